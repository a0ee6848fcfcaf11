// SPDX-License-Identifier: MIT

// slayers: the peer of codec.c: the same packets with the layers of scionproto.
//
//	slayers FILE
package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/scionproto/scion/pkg/slayers"
	"github.com/scionproto/scion/pkg/slayers/path/scion"
)

const run = 200 * time.Millisecond

type sample struct {
	bytes   []byte
	header  slayers.SCION
	udp     slayers.UDP
	path    []byte
	decoded scion.Decoded
}

func require(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func parse(s *sample) error {
	if err := s.header.DecodeFromBytes(s.bytes, gopacket.NilDecodeFeedback); err != nil {
		return err
	}
	return s.udp.DecodeFromBytes(s.header.Payload, gopacket.NilDecodeFeedback)
}

func parsePath(s *sample) error {
	if s.path == nil {
		return nil
	}
	return s.decoded.DecodeFromBytes(s.path)
}

var buffer = gopacket.NewSerializeBuffer()

func build(s *sample) error {
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	return gopacket.SerializeLayers(buffer, options, &s.header, &s.udp, gopacket.Payload(s.udp.Payload))
}

func load(name string) []*sample {
	file, err := os.Open(name)
	require(err)
	var samples []*sample
	for lines := bufio.NewScanner(file); lines.Scan(); {
		raw, err := hex.DecodeString(lines.Text())
		require(err)
		s := &sample{bytes: raw}
		s.header.RecyclePaths()
		require(parse(s))
		s.udp.SetNetworkLayerForChecksum(&s.header)
		if s.header.PathType == scion.PathType {
			s.path = make([]byte, s.header.Path.Len())
			require(s.header.Path.SerializeTo(s.path))
		}
		require(build(s))
		if !bytes.Equal(buffer.Bytes(), raw) {
			log.Fatal("a packet is not what it was")
		}
		samples = append(samples, s)
	}
	return samples
}

func measure(samples []*sample, work func(*sample) error) float64 {
	var count int
	begin := time.Now()
	for time.Since(begin) < run {
		for _, s := range samples {
			require(work(s))
		}
		count += len(samples)
	}
	return float64(time.Since(begin).Nanoseconds()) / float64(count)
}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: slayers FILE")
	}
	samples := load(os.Args[1])
	fmt.Printf("parse %.1f\n", measure(samples, parse))
	fmt.Printf("path %.1f\n", measure(samples, parsePath))
	fmt.Printf("build %.1f\n", measure(samples, build))
}
