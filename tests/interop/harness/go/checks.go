// Package harness runs the checks of suites written in Go.
package harness

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

// Check is a title, which states what has to hold, and what finds out.
type Check struct {
	Title string
	Body  func(context.Context) error
}

// Run prints one line per check, as the suites in the other languages do, and says whether all passed.
func Run(checks []Check) bool {
	passed := true
	for _, c := range checks {
		if !strings.Contains(c.Title, os.Getenv("ONLY")) {
			continue
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		err := c.Body(ctx)
		cancel()
		if err != nil {
			passed = false
			fmt.Printf("not ok - %s: %v\n", c.Title, err)
		} else {
			fmt.Printf("ok - %s (%.1f s)\n", c.Title, time.Since(began).Seconds())
		}
	}
	return passed
}

// Equal says what differs.
func Equal[T comparable](what string, found, wanted T) error {
	if found != wanted {
		return fmt.Errorf("%s is %v, not %v", what, found, wanted)
	}
	return nil
}

// Eventually polls until the condition holds.
func Eventually(ctx context.Context, what string, condition func() (bool, error)) error {
	for {
		ok, err := condition()
		if err != nil {
			return err
		}
		if ok {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not in time: %s", what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
