// Package compose reads compose files and Dockerfiles: what they say of a service's healthcheck,
// restarts, limits and end. It does no I/O.
package compose
