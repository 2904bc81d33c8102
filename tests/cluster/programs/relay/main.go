// The cluster lives in a network namespace of its own, where nobody outside can reach it. A socket belongs to the
// namespace it was made in, so the relay listens outside, then comes back and calls the API server from inside.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// The descriptor under which the listener survives exec.
const inherited = 3

func main() {
	listen := flag.String("listen", "", "address outside")
	outside := flag.String("outside", "", "file of the network namespace that it belongs to")
	target := flag.String("to", "", "address inside")
	flag.Parse()
	var err error
	if *listen != "" {
		err = open(*listen, *outside, *target)
	} else {
		err = serve(*target)
	}
	fmt.Fprintf(os.Stderr, "error: %v\n", err)
	os.Exit(1)
}

// A thread can change its namespace, a running Go program with its many threads can not: exec leaves only one.
func open(listen, outside, target string) error {
	inside, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return err
	}
	other, err := os.Open(outside)
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := unix.Setns(int(other.Fd()), unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		return err
	}
	if err := unix.Setns(int(inside.Fd()), unix.CLONE_NEWNET); err != nil {
		return os.NewSyscallError("setns", err)
	}
	// dup3 refuses to copy a descriptor onto itself; then only its close-on-exec flag is in the way.
	if file.Fd() == inherited {
		_, err = unix.FcntlInt(inherited, unix.F_SETFD, 0)
	} else {
		err = unix.Dup3(int(file.Fd()), inherited, 0)
	}
	if err != nil {
		return os.NewSyscallError("dup3", err)
	}
	return os.NewSyscallError("exec", syscall.Exec("/proc/self/exe", []string{"relay", "--to", target}, os.Environ()))
}

func serve(target string) error {
	listener, err := net.FileListener(os.NewFile(inherited, "listener"))
	if err != nil {
		return err
	}
	for {
		outside, err := listener.Accept()
		if err != nil {
			return err
		}
		go connect(outside, target)
	}
}

func connect(outside net.Conn, target string) {
	defer outside.Close()
	inside, err := net.Dial("tcp", target)
	if err != nil {
		fmt.Fprintf(os.Stderr, "the API server cannot be reached: %v\n", err)
		return
	}
	defer inside.Close()
	// Either side may say that it has sent all, and still listen.
	done := make(chan struct{})
	go func() {
		defer close(done)
		pass(inside, outside)
	}()
	pass(outside, inside)
	<-done
}

func pass(to, from net.Conn) {
	_, err := io.Copy(to, from)
	if err != nil {
		// Broken, not ended: the other end has to learn that, too.
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = to.(*net.TCPConn).CloseWrite()
}
