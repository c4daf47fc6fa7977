package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
)

type check struct {
	title string
	body  func(context.Context) error
}

// runChecks prints one line per check, as the suites in the other languages do, and says whether all passed.
func runChecks(checks []check) bool {
	passed := true
	for _, c := range checks {
		if !strings.Contains(c.title, os.Getenv("ONLY")) {
			continue
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		err := c.body(ctx)
		cancel()
		if err != nil {
			passed = false
			fmt.Printf("not ok - %s: %v\n", c.title, err)
		} else {
			fmt.Printf("ok - %s (%.1f s)\n", c.title, time.Since(began).Seconds())
		}
	}
	return passed
}

func equal[T comparable](what string, found, wanted T) error {
	if found != wanted {
		return fmt.Errorf("%s is %v, not %v", what, found, wanted)
	}
	return nil
}

// eventually polls until the condition holds.
func eventually(ctx context.Context, what string, condition func() (bool, error)) error {
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
