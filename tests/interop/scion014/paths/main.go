// SPDX-License-Identifier: MIT

// paths writes a path file: what a SCION daemon knows of the way to another AS, once it knows one.
//
//	paths DAEMON ISD-AS SECONDS
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"time"

	"github.com/scionproto/scion/pkg/addr"
	"github.com/scionproto/scion/pkg/daemon"
	"github.com/scionproto/scion/pkg/snet"
	"github.com/scionproto/scion/pkg/snet/path"
)

type hop struct {
	ISDAS string `json:"isd_as"`
	ID    uint64 `json:"id"`
}

type way struct {
	Destination string `json:"destination"`
	Raw         string `json:"raw"`
	NextHop     string `json:"next_hop"`
	MTU         uint16 `json:"mtu"`
	Expiry      int64  `json:"expiry"`
	Interfaces  []hop  `json:"interfaces"`
}

type file struct {
	ISDAS   string   `json:"isd_as"`
	MTU     uint16   `json:"mtu"`
	Routers []string `json:"routers"`
	Paths   []way    `json:"paths"`
}

func require(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func describe(found snet.Path) way {
	metadata := found.Metadata()
	out := way{
		Destination: found.Destination().String(),
		Raw:         hex.EncodeToString(found.Dataplane().(path.SCION).Raw),
		NextHop:     found.UnderlayNextHop().String(),
		MTU:         metadata.MTU,
		Expiry:      metadata.Expiry.Unix(),
	}
	for _, each := range metadata.Interfaces {
		out.Interfaces = append(out.Interfaces, hop{each.IA.String(), uint64(each.ID)})
	}
	return out
}

// The daemon may not run yet, or not know a path yet.
func wait(ctx context.Context, connector daemon.Connector, destination addr.IA) []snet.Path {
	for {
		found, err := connector.Paths(ctx, destination, 0, daemon.PathReqFlags{Refresh: true})
		if err == nil && len(found) > 0 {
			return found
		}
		if ctx.Err() != nil {
			log.Fatal(fmt.Errorf("no path: %w", err))
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func write(ctx context.Context, service daemon.Service, destination addr.IA) {
	connector, err := service.Connect(ctx)
	require(err)
	found := wait(ctx, connector, destination)
	local, err := connector.ASInfo(ctx, 0)
	require(err)
	out := file{ISDAS: local.IA.String(), MTU: local.MTU}
	for _, each := range found {
		out.Paths = append(out.Paths, describe(each))
	}
	out.Routers = []string{out.Paths[0].NextHop}
	require(json.NewEncoder(os.Stdout).Encode(out))
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: paths DAEMON ISD-AS SECONDS")
	}
	destination, err := addr.ParseIA(os.Args[2])
	require(err)
	most, err := time.ParseDuration(os.Args[3] + "s")
	require(err)
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	write(ctx, daemon.Service{Address: os.Args[1]}, destination)
}
