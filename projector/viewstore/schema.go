package viewstore

// View identifies a view: its index in [Schema.Views].
type View int

// Layout says how the entries of a view are laid out in the file.
type Layout int

// The layouts. The package's documentation gives the bytes of each.
const (
	// Entries are stored as they are. New keys come mostly in ascending order, so pages are filled
	// up to 90 %.
	Entries Layout = iota
	// Counters are entries whose value is a number. A transaction adds to them.
	Counters
	// HashIndex maps names, which come in no order, to sequences. A name may have several.
	HashIndex
	// Chunks map numbers to values. One entry holds 64 neighbours, compressed.
	Chunks
	// PostingLists map a name to a set of ascending numbers. One entry holds a block of 4096.
	PostingLists
)

// ViewSpec describes one view.
type ViewSpec struct {
	Name   string // of its bucket in the file
	Layout Layout
	// Filtered is set for a HashIndex that [Memtable.Lookup] reads. The store has a Bloom filter in memory for each of
	// its ranges, 48 KiB each, unless it is Resident.
	Filtered bool
	// Resident is set for a Filtered HashIndex whose names an [Overlay] has in memory, all of them, each with one
	// sequence. So only [Memtable.LookupOrInsert] and [Memtable.Forget] change it. It is for names that are mostly known
	// already, at places all over the file. Each costs some 16 bytes beside its own.
	Resident bool
	// Columns is set for Chunks whose values are texts: their number in each value, with a NUL behind each. A
	// chunk holds them column by column, and [Reader.Scan] passes it so. Of a value with more texts the rest is
	// dropped, and missing ones are empty.
	Columns int
}

// Schema is the table of views of a file.
type Schema struct {
	// Version stands in the file. A file of another version opens without verification; its
	// position tells ([Position.Format]) and the caller must fold it from the beginning.
	Version int
	Views   []ViewSpec
}
