package httpx

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// byteOrderMark begins UTF-8 as some editors write it.
const byteOrderMark = "\uFEFF"

// DecodeJSON decodes a request's body: one JSON object in UTF-8, without members that into does not have. Its error is
// for the client: a clause that says why the body is not that, such as "it is not UTF-8".
func DecodeJSON(body []byte, into any) error {
	body = bytes.TrimPrefix(body, []byte(byteOrderMark))
	if !utf8.Valid(body) { // encoding/json would read it as other text
		return errors.New("it is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return jsonReason(err)
	}
	if len(bytes.TrimSpace(body[decoder.InputOffset():])) > 0 {
		return errors.New("something follows the object")
	}
	return nil
}

// jsonReason says in a clause why a body could not be decoded.
func jsonReason(err error) error {
	if err == io.EOF { // not errors.Is: a wrapped one would be another error
		return errors.New("it is empty")
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut off")
	}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("it is no JSON from character %d on", syntax.Offset)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		if wrong.Field == "" {
			return errors.New("it is no object")
		}
		return fmt.Errorf("%s has a wrong value (%s)", shorten(wrong.Field), shorten(wrong.Value))
	}
	if quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		name, _ := strconv.Unquote(quoted)
		return fmt.Errorf(`there is no member "%s"`, shorten(name))
	}
	return errors.New("it is no such object")
}
