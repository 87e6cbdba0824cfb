package greeting

import "testing"

func TestFor(t *testing.T) {
	for name, want := range map[string]string{
		"martlet": "Hello, martlet!",
		"":        "Hello, world!",
		" \t":     "Hello, world!",
	} {
		if got := For(name); got != want {
			t.Errorf("For(%q) = %q, want %q", name, got, want)
		}
	}
}
