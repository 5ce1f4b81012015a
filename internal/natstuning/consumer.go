package natstuning

import (
	"fmt"
	"reflect"

	"github.com/nats-io/nats-server/v2/server"
)

// SkipUnmatched moves a consumer of one of the server's streams to the stream's end if no message after its
// position matches its filters. Else it changes nothing. The server itself finds that out by reading all of these
// messages where the stream has more than a million subjects, before it answers anything about the consumer. A
// consumer that was recovered stands at the last message that it delivered.
func SkipUnmatched(srv *server.Server, stream, consumer string) (err error) {
	if err := checkVersion(); err != nil {
		return err
	}
	defer recoverReflection(&err)
	found := streamOf(srv, stream)
	if !found.IsValid() {
		return ErrNoStream
	}
	store, c := storeOf(found), consumerOf(found, consumer)
	if !store.IsValid() || !c.IsValid() || c.IsNil() {
		return ErrNoStream
	}
	messages := store.Interface().(server.StreamStore)
	lock := lockOf(c)
	lock.Lock()
	defer lock.Unlock()
	var state server.StreamState
	messages.FastState(&state) // before the search: it finds all that is stored now
	position := privateField(c, "sseq")
	filters := privateField(c, "cfg").FieldByName("FilterSubjects").Interface().([]string)
	if len(filters) == 0 || !privateField(c, "lss").IsNil() {
		return nil
	}
	for _, filter := range filters {
		if len(messages.SubjectsTotals(filter)) == 0 {
			continue // it is in memory, and does not fail as a read may
		}
		var last server.StoreMsg
		if _, err := messages.LoadLastMsg(filter, &last); err != nil {
			return fmt.Errorf("read the last message at %s: %w", filter, err)
		}
		if fields(&last).seq >= position.Uint() {
			return nil
		}
	}
	position.SetUint(max(position.Uint(), state.LastSeq+1))
	return nil
}

// consumerOf is one of a stream's consumers, a pointer to a struct; not valid without such a consumer.
func consumerOf(stream reflect.Value, name string) reflect.Value {
	defer rlock(stream)()
	return privateField(stream, "consumers").MapIndex(reflect.ValueOf(name))
}
