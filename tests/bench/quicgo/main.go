// SPDX-License-Identifier: MIT

// quicgo: the peer of serve.c and push.c on quic-go, over plain UDP.
//
//	quicgo serve HOST:PORT CERTIFICATES    swallows a stream and says how many bytes it had
//	quicgo push HOST:PORT SECONDS          sends on one stream; prints bytes that arrived, seconds, CPU seconds
package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/quic-go/quic-go"
)

const label = "bench"

// The windows of our own transport, so that neither side has more room than the other.
func settings() *quic.Config {
	return &quic.Config{
		InitialStreamReceiveWindow:     1 << 20,
		MaxStreamReceiveWindow:         1 << 20,
		InitialConnectionReceiveWindow: 4 << 20,
		MaxConnectionReceiveWindow:     4 << 20,
	}
}

func require(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func swallow(connection *quic.Conn) {
	stream, err := connection.AcceptStream(context.Background())
	require(err)
	var count int64
	piece := make([]byte, 65536)
	for err == nil {
		var n int
		n, err = stream.Read(piece)
		count += int64(n)
	}
	if err != io.EOF {
		log.Fatal(err)
	}
	_, err = fmt.Fprint(stream, count)
	require(err)
	require(stream.Close())
}

func serve(address, certificates string) {
	certificate, err := tls.LoadX509KeyPair(certificates+".crt", certificates+".key")
	require(err)
	security := &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{label}}
	listener, err := quic.ListenAddr(address, security, settings())
	require(err)
	fmt.Println("ready")
	for {
		connection, err := listener.Accept(context.Background())
		require(err)
		go swallow(connection)
	}
}

func cpu() float64 {
	var usage syscall.Rusage
	require(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func push(address string, seconds int) {
	security := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{label}}
	connection, err := quic.DialAddr(context.Background(), address, security, settings())
	require(err)
	stream, err := connection.OpenStreamSync(context.Background())
	require(err)
	piece := make([]byte, 65536)
	begin := time.Now()
	for time.Since(begin) < time.Duration(seconds)*time.Second {
		_, err = stream.Write(piece)
		require(err)
	}
	require(stream.Close())
	answer, err := io.ReadAll(stream)
	require(err)
	fmt.Printf("%s %.6f %.6f\n", answer, time.Since(begin).Seconds(), cpu())
}

func main() {
	switch {
	case len(os.Args) == 4 && os.Args[1] == "serve":
		serve(os.Args[2], os.Args[3])
	case len(os.Args) == 4 && os.Args[1] == "push":
		seconds, err := strconv.Atoi(os.Args[3])
		require(err)
		push(os.Args[2], seconds)
	default:
		log.Fatal("usage: quicgo serve HOST:PORT CERTIFICATES | push HOST:PORT SECONDS")
	}
}
