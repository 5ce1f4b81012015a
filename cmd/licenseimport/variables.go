package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"

	"licenseimport/internal/failpoint"
)

// variablePrefix begins the name of every variable that is a flag.
const variablePrefix = "LICENSEIMPORT_"

// variablesWithoutFlag are the variables that no flag stands for: the failpoints of faulty builds,
// and the size of the tests, which the programs that they start inherit.
var variablesWithoutFlag = []string{failpoint.Variable, variablePrefix + "LONG"}

// orchestrated matches variables that Kubernetes and Docker set in each container, for a service
// named licenseimport or licenseimport-nats.
var orchestrated = regexp.MustCompile(`_SERVICE_HOST$|_SERVICE_PORT(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)`)

// orchestratedValue matches the value of the further variable LICENSEIMPORT_PORT.
var orchestratedValue = regexp.MustCompile(`^(tcp|udp|sctp)://`)

// checkVariables refuses the first variable of the environment, in alphabetical order, that is
// meant for this program and that no flag of any command knows: a misspelt limit or key must not
// be ignored. The value, which may be a secret, is not shown.
func checkVariables(commands *kong.Node, environment []string) error {
	known := flagVariables(commands)
	for _, variable := range variablesWithoutFlag {
		known[variable] = true
	}
	for _, entry := range slices.Sorted(slices.Values(environment)) {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, variablePrefix) || known[name] || orchestrated.MatchString(name) || orchestratedValue.MatchString(value) {
			continue
		}
		return fmt.Errorf("the environment has %s, which no flag knows; the nearest is %s: correct its name, or unset it",
			name, nearest(name, flagVariables(commands)))
	}
	return nil
}

// flagVariables are the variables of all flags of all commands.
func flagVariables(commands *kong.Node) map[string]bool {
	known := map[string]bool{}
	// The visitor never fails.
	_ = kong.Visit(commands, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok {
			for _, name := range flag.Envs {
				known[name] = true
			}
		}
		return next(nil)
	})
	return known
}

// nearest is the name that is closest to a misspelt one, the first in alphabetical order among
// several.
func nearest(name string, names map[string]bool) string {
	return slices.MinFunc(slices.Sorted(maps.Keys(names)), func(a, b string) int {
		return levenshtein.ComputeDistance(name, a) - levenshtein.ComputeDistance(name, b)
	})
}
