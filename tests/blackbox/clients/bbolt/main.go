// Writes history files as Go hubs leave them, by the real bbolt.
//
//	bbolt CASE PATH [NUMBER [PAGE_SIZE]]
//	bbolt copy PATH COPY    without what the file has grown ahead
//
// Records are those of hubs up to 0.24: the key is the bucket's sequence, big-endian, and the id; the value is
// the update as JSON.
package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
)

type Event struct {
	Data  string
	ID    string
	Type  string
	Retry uint64
}

// The order of members since 0.19.3.
type Update struct {
	Event
	Topics  []string
	Private bool
	Debug   bool
}

// The order before.
type OldUpdate struct {
	Topics  []string
	Private bool
	Debug   bool
	Event
}

type file struct {
	db     *bolt.DB
	bucket string
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func open(path string, pageSize int, bucket string) *file {
	db, err := bolt.Open(path, 0600, &bolt.Options{Timeout: time.Second, PageSize: pageSize, NoSync: true})
	check(err)
	return &file{db, bucket}
}

// One transaction of many puts.
func (f *file) write(fill func(put func(id string, value []byte))) {
	check(f.db.Update(func(tx *bolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte(f.bucket))
		check(err)
		fill(func(id string, value []byte) {
			sequence, err := bucket.NextSequence()
			check(err)
			key := make([]byte, 8, 8+len(id))
			binary.BigEndian.PutUint64(key, sequence)
			check(bucket.Put(append(key, id...), value))
		})
		return nil
	}))
}

func encode(value interface{}) []byte {
	text, err := json.Marshal(value)
	check(err)
	return text
}

func update(i int) Update {
	return Update{Event{fmt.Sprintf("data %d", i), fmt.Sprintf("urn:update:%d", i), "", 0}, []string{"https://example.com/a"}, false, false}
}

func (f *file) writeMany(from, to int, make func(i int) Update) {
	const batch = 5000
	for i := from; i < to; i += batch {
		f.write(func(put func(string, []byte)) {
			for j := i; j < to && j < i+batch; j++ {
				u := make(j)
				put(u.ID, encode(u))
			}
		})
	}
}

// Deletes what the clean-up of a Go hub would have.
func (f *file) drop(wanted func(sequence uint64) bool) {
	check(f.db.Update(func(tx *bolt.Tx) error {
		bucket := tx.Bucket([]byte(f.bucket))
		var keys [][]byte
		cursor := bucket.Cursor()
		for k, _ := cursor.First(); k != nil; k, _ = cursor.Next() {
			if wanted(binary.BigEndian.Uint64(k)) {
				keys = append(keys, append([]byte(nil), k...))
			}
		}
		for _, k := range keys {
			check(bucket.Delete(k))
		}
		return nil
	}))
}

func writeOrders(f *file) {
	f.write(func(put func(string, []byte)) {
		event := Event{"old", "old-order", "kind", 7}
		put("old-order", encode(OldUpdate{[]string{"https://example.com/a", "https://example.com/b"}, true, false, event}))
		event = Event{"new", "new-order", "kind", 8}
		put("new-order", encode(Update{event, []string{"https://example.com/a"}, false, true}))
		put("lower", []byte(`{"topics":["https://example.com/a"],"private":false,"data":"lower case","id":"lower","type":"","retry":0}`))
	})
}

func writeIds(f *file) {
	f.write(func(put func(string, []byte)) {
		for _, id := range []string{"twice", "custom id with spaces", "twice", strings.Repeat("x", 300), "ünï/ಠ",
			"urn:uuid:018bcfe5-6800-7000-8000-000000000001", "earliest", "#5",
			"urn:uuid:018bcfe5-6ff0-7000-8000-000000000002",
			"urn:uuid:018bcfe5-6be8-7000-8000-000000000003"} { // a clock that went back
			u := update(0)
			u.ID = id
			put(id, encode(u))
		}
	})
}

func writeTexts(f *file) {
	f.write(func(put func(string, []byte)) {
		for i, data := range []string{"", "<a href=\"x\">&</a>", "line\nline\r\nline\rline", "ಠ_ಠ \U0001F600  \u2028", "broken \xff", "\x00\x01"} {
			u := update(i)
			u.Data = data
			u.Topics = []string{"https://example.com/ünï"}
			put(u.ID, encode(u))
		}
	})
}

// What the rules of today do not let through, and what they do.
func writeRefused(f *file) {
	f.write(func(put func(string, []byte)) {
		make := func(id string, change func(*Update)) {
			u := update(0)
			u.ID = id
			change(&u)
			put(id, encode(u))
		}
		make("first", func(u *Update) {})
		make("subscription", func(u *Update) {
			u.Topics = []string{"/.well-known/mercure/subscriptions/https%3A%2F%2Fexample.com%2Fa/urn%3Auuid%3A1"}
			u.Private = true
		})
		make("encoded", func(u *Update) { u.Topics = []string{"https://example.com/.well-known/mercur%65/x"} })
		make("alternate", func(u *Update) { u.Topics = append(u.Topics, "/.well-known/mercure") })
		make("no topic", func(u *Update) { u.Topics = nil })
		make("topic\nbreak", func(u *Update) { u.Topics = []string{"a\nb"}; u.ID = "topic" })
		make("break\ndata: forged", func(u *Update) {})
		make("zero\x00", func(u *Update) {})
		make("type", func(u *Update) { u.Type = "a\ndata: forged" })
		make("mercure", func(u *Update) { u.Type = "mercure" })
		make("tab\tid", func(u *Update) {})
		make("", func(u *Update) {})
		put("text", []byte("not JSON"))
		put("list", []byte("[]"))
		put("typed", []byte(`{"Topics":["https://example.com/a"],"Private":"yes","Data":"x","ID":"typed"}`))
		put("targets", []byte(`{"Targets":{"user:1":{}},"Topics":["https://example.com/a"],"Data":"x","ID":"targets"}`))
		put("everybody", []byte(`{"Targets":{},"Topics":["https://example.com/a"],"Data":"x","ID":"everybody"}`))
		make("last", func(u *Update) {})
	})
	check(f.db.Update(func(tx *bolt.Tx) error {
		_, err := tx.Bucket([]byte(f.bucket)).CreateBucket([]byte{0xff, 0, 0, 0, 0, 0, 0, 0, 'x'})
		check(err)
		return tx.Bucket([]byte(f.bucket)).Put([]byte{0xff, 1}, []byte("a short key"))
	}))
}

func large(i int) Update {
	u := update(i)
	u.Data = strings.Repeat(string(rune('a'+i%26)), 1+i%8*70000)
	return u
}

func argument(i, otherwise int) int {
	if len(os.Args) <= i {
		return otherwise
	}
	number, err := strconv.Atoi(os.Args[i])
	check(err)
	return number
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: bbolt CASE PATH [NUMBER [PAGE_SIZE]]")
		os.Exit(2)
	}
	if os.Args[1] == "copy" {
		f := open(os.Args[2], 0, "")
		check(f.db.View(func(tx *bolt.Tx) error { return tx.CopyFile(os.Args[3], 0600) }))
		check(f.db.Close())
		return
	}
	number := argument(3, 1000)
	f := open(os.Args[2], argument(4, 4096), "updates")
	switch os.Args[1] {
	case "nothing": // no bucket
	case "empty":
		f.write(func(func(string, []byte)) {})
	case "many":
		f.writeMany(0, number, update)
	case "bucket":
		f.bucket = "other"
		f.writeMany(0, number, update)
	case "deleted": // with a free list: the older half, and every third of the rest, are gone
		f.writeMany(0, number, update)
		f.drop(func(s uint64) bool { return s <= uint64(number/2) || s%3 == 0 })
	case "large":
		f.writeMany(0, number, large)
	case "orders":
		writeOrders(f)
	case "ids":
		writeIds(f)
	case "texts":
		writeTexts(f)
	case "refused":
		writeRefused(f)
	case "held": // as by a hub that runs, until its input ends
		f.writeMany(0, number, update)
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1))
	default:
		fmt.Fprintln(os.Stderr, "no such case")
		os.Exit(2)
	}
	check(f.db.Close())
}
