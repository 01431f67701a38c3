//go:build race

package commands

// raceEnabled is whether the tests, and so the program under test, are built
// with the race detector.
const raceEnabled = true
