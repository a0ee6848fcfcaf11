// SPDX-License-Identifier: MIT

// panname says which address PAN finds for a name, as programs on SCION do that are given one.
//
//	panname HOST:PORT
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/netsec-ethz/scion-apps/pkg/pan"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: panname HOST:PORT")
	}
	found, err := pan.ResolveUDPAddr(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(found)
}
