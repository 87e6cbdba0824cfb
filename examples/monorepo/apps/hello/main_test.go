package main

import "testing"

func TestMessage(t *testing.T) {
	if got, want := message([]string{"swift", "martlet"}), "Hello, swift and martlet!"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
