// Package retry paces attempts that fail: exponential back-off with jitter.
//
// A [Policy] is the set of parameters of one use: the first pause, the longest one, the jitter and
// the errors that are permanent. [Policy.Do] is the loop for a function. A loop that does more
// between two attempts calls [Backoff.Wait]. Work that the server repeats (a message that is
// delivered again) takes its pause from [Policy.Delay].
//
// The n-th pause is
//
//	d = min(First·2^(n-1), Max)
//	pause = uniform in [d·(1-Jitter), d]
//
// Jitter shortens a pause and never lengthens it, so Max is a bound. Clients that failed together
// come back at different times.
//
// # Why not cenkalti/backoff
//
// github.com/cenkalti/backoff/v5 has the function form only, and few of our loops have it.
// When the context ends, its Retry returns the context's error and drops the error of the last
// attempt, which says what was wrong. Its MaxInterval does not bound a pause: the randomized
// interval exceeds it by half. It has no pause by attempt number, which redelivery needs. What
// would remain of it here is one multiplication by a random number.
package retry
