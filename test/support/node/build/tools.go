//go:build tools

// Package tools names the programs of a node, so that `go mod tidy` keeps what their builds need.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-proxy"
	_ "k8s.io/kubernetes/cmd/kubelet"
)
