package eventlog

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unicode/utf8"

	"licenseimport/internal/fsx"
	"licenseimport/internal/retry"

	"github.com/nats-io/nats.go"
)

// TokenFileName is the name, in a data directory, of the file with the embedded server's token.
const TokenFileName = "nats.token"

// tokenBytes is the entropy of a token that the server makes, in bytes.
const tokenBytes = 32

// TokenPath is the file in a data directory with the embedded server's token.
func TokenPath(dir string) string { return filepath.Join(dir, TokenFileName) }

// ReadToken reads a file with a token: its one word. Without a file the error is fs.ErrNotExist.
func ReadToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the NATS token: %w", err)
	}
	token := strings.TrimSpace(strings.TrimPrefix(string(text), "\ufeff")) // some editors begin a file with this mark
	if err := CheckToken(token); err != nil {
		return "", fmt.Errorf("the file %s: %w", path, err)
	}
	return token, nil
}

// CheckToken refuses what cannot be a token. The error does not repeat it. The server takes an
// empty token for none, and one that begins with "$2" for a digest of bcrypt. A client sends a token as
// JSON, in which other bytes than UTF-8 would become another token.
func CheckToken(token string) error {
	switch {
	case token == "":
		return errors.New("it holds no token for NATS")
	case len(token) > 4096 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return errors.New("a token for NATS is one word, of up to 4096 characters")
	case !utf8.ValidString(token):
		return errors.New("a token for NATS is UTF-8")
	case strings.HasPrefix(token, "$2"):
		return errors.New("a token for NATS cannot begin with $2, as a digest of bcrypt does: give the token itself")
	}
	return nil
}

// ensureToken returns the token that clients have to show. It makes the file on a directory's first
// start. The caller holds the directory's lock, so that no other server makes another one.
func (c ServerConfig) ensureToken() (string, error) {
	if c.Token != "" {
		if err := CheckToken(c.Token); err != nil {
			return "", err
		}
	}
	if c.User != "" || c.TokenFile == "" {
		return c.Token, nil
	}
	stored, err := readOwnToken(c.TokenFile)
	switch {
	case err == nil && (c.Token == "" || c.Token == stored):
		return stored, nil
	case c.Token == "" && !errors.Is(err, fs.ErrNotExist):
		return "", err
	}
	token := c.Token
	if token == "" {
		secret := make([]byte, tokenBytes)
		_, _ = rand.Read(secret) // never fails
		token = hex.EncodeToString(secret)
	}
	if err := fsx.WritePrivate(c.TokenFile, []byte(token+"\n")); err != nil {
		return "", fmt.Errorf("store the NATS token: %w", err)
	}
	return token, nil
}

// readOwnToken is [ReadToken] for the server's file. It sets the mode to 0600 and refuses a
// symbolic link.
func readOwnToken(path string) (string, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("the file %s is not a regular file: it should hold the NATS token", path)
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o600); err != nil {
			return "", fmt.Errorf("the file %s with the NATS token can be read by others: %w", path, err)
		}
	}
	return ReadToken(path)
}

// tokenPoll paces the wait for a token's file.
var tokenPoll = retry.Policy{First: 20 * time.Millisecond, Max: time.Second, Jitter: 0.5}

// waitForToken waits until the file with the token exists: the server makes it at its first start.
func (c Config) waitForToken(ctx context.Context, waiting *waitLog) error {
	if !c.usesTokenFile() {
		return nil
	}
	for polls := tokenPoll.Start(); ; {
		_, err := ReadToken(c.TokenFile)
		if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		waiting.log(err)
		if err := polls.Wait(ctx, err); err != nil {
			return err
		}
	}
}

// A waitLog logs once why Open waits.
type waitLog struct{ logged bool }

func (w *waitLog) log(reason error) {
	if !w.logged {
		w.logged = true
		slog.Info("waiting for NATS", "reason", reason)
	}
}

// usesTokenFile reports whether the token is read from a file. A user in the URL comes first.
func (c Config) usesTokenFile() bool {
	return c.TokenFile != "" && c.Token == "" && !strings.Contains(c.URL, "@")
}

// tokenOption shows the token at each connection. A file is read each time: the server may have
// another token after a restart. nats.go uses no token beside a user in the URL.
func (c Config) tokenOption() []nats.Option {
	switch {
	case c.Token != "":
		return []nats.Option{nats.Token(c.Token)}
	case c.usesTokenFile():
		return []nats.Option{nats.TokenHandler(func() string {
			token, err := ReadToken(c.TokenFile)
			if err != nil {
				slog.Warn("the NATS token cannot be read", "error", err)
			}
			return token
		})}
	}
	return nil
}
