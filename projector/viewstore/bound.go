package viewstore

// stepsPerCheck is the number of steps between two checks of a Bound. A step passes one name or one
// number, and at most decodes one record: 10 µs to 2 ms for all of them.
const stepsPerCheck = 1024

// Bound limits the work of one read, and belongs to its goroutine. Each step of a lazy set asks it.
// When it is exceeded the sets end early, as if nothing followed. So the reader asks Err before it
// uses what they yielded. A nil Bound has no limit.
type Bound struct {
	check func() error
	steps int
	err   error
}

// NewBound returns a Bound that is exceeded once check returns an error.
func NewBound(check func() error) *Bound { return &Bound{check: check} }

// Step counts one step. It reports whether the read may go on.
func (b *Bound) Step() bool {
	if b == nil {
		return true
	}
	if b.err != nil {
		return false
	}
	if b.steps++; b.steps%stepsPerCheck == 0 {
		b.err = b.check()
	}
	return b.err == nil
}

// Err returns why the sets ended early; nil if they did not.
func (b *Bound) Err() error {
	if b == nil {
		return nil
	}
	return b.err
}

// Fail ends the sets with an error.
func (b *Bound) Fail(err error) {
	if b != nil && b.err == nil {
		b.err = err
	}
}
