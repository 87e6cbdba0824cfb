// Package greeting says hello.
package greeting

import "strings"

// For gives the greeting for name, or for the world where name is blank.
func For(name string) string {
	name = strings.TrimSpace(name)
	if name == "" {
		name = "world"
	}
	return "Hello, " + name + "!"
}
