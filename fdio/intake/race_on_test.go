//go:build race

package intake

// raceEnabled is whether the tests, and so the program for listen, are built with
// the race detector.
const raceEnabled = true
