// Command hello greets whoever is named on its command line.
package main

import (
	"fmt"
	"os"
	"strings"

	"example.org/greeting"
)

func main() {
	fmt.Println(message(os.Args[1:]))
}

func message(names []string) string {
	return greeting.For(strings.Join(names, " and "))
}
