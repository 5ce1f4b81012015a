// Package docs holds the guides that the page shows to its users.
package docs

import _ "embed"

// Importing is the guide to importing files, in Markdown.
//
//go:embed importing.md
var Importing []byte
