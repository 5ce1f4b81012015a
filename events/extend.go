package events

import "slices"

// Extend adds a kind of import and its event types to the tables: what a change of this package would do. It is for
// tests, before they start anything. columns are names of the table of columns. The returned function takes both out
// again.
func Extend(k Kind, columns []string, types ...func() Event) (added *Kind, remove func()) {
	kinds, made, names, subjects := Kinds, constructors, typeNames, LicensesSubjects
	indices := make([]int, len(columns))
	for i, name := range columns {
		indices[i] = mustColumn(name)
	}
	added = newKind(k, "", indices)
	Kinds = append(slices.Clip(kinds), added)
	LicensesSubjects = append(slices.Clip(subjects), k.Subjects)
	for _, construct := range types {
		constructors = append(slices.Clip(constructors), construct)
		typeNames = append(slices.Clip(typeNames), construct().Type())
	}
	return added, func() { Kinds, constructors, typeNames, LicensesSubjects = kinds, made, names, subjects }
}
