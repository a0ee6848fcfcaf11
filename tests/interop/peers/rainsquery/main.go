// SPDX-License-Identifier: MIT

// rainsquery: asks a RAINS server with the RAINS project's own library, by the call that PAN makes for a name, one
// question after the other. Says what came, and how many milliseconds a question took in the middle; or how many
// signatures of messages of so many bytes Go checks in a second.
//
//	rainsquery SERVER NAME TYPE-NUMBER COUNT
//	rainsquery verify BYTES
package main

import (
	"crypto/ed25519"
	"fmt"
	"log"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/netsec-ethz/rains/pkg/rains"
)

func require(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	require(err)
	return value
}

func ask(server net.Addr, name string, kind rains.Type) (string, float64) {
	begin := time.Now()
	found, err := rains.Query(name, ".", []rains.Type{kind}, nil, 5*time.Minute, 2*time.Second, server)
	require(err)
	return found[kind], time.Since(begin).Seconds() * 1e3
}

func query(address, name string, kind rains.Type, count int) {
	server, err := net.ResolveTCPAddr("tcp", address)
	require(err)
	var found string
	took := make([]float64, count)
	for i := range took {
		found, took[i] = ask(server, name, kind)
	}
	slices.Sort(took)
	fmt.Printf("found %s\nlibrary %.3f\n", found, took[count/2])
}

func verify(bytes int) {
	const run = 200 * time.Millisecond
	public, secret, err := ed25519.GenerateKey(nil)
	require(err)
	message := make([]byte, bytes)
	signature := ed25519.Sign(secret, message)
	var count int
	begin := time.Now()
	for time.Since(begin) < run {
		if !ed25519.Verify(public, message, signature) {
			log.Fatal("a good signature was refused")
		}
		count++
	}
	fmt.Printf("checks %.0f\n", float64(count)/time.Since(begin).Seconds())
}

func main() {
	switch {
	case len(os.Args) == 5:
		query(os.Args[1], os.Args[2], rains.Type(number(os.Args[3])), number(os.Args[4]))
	case len(os.Args) == 3 && os.Args[1] == "verify":
		verify(number(os.Args[2]))
	default:
		log.Fatal("usage: rainsquery SERVER NAME TYPE-NUMBER COUNT, or: rainsquery verify BYTES")
	}
}
