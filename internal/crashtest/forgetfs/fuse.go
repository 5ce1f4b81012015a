//go:build linux

package forgetfs

import (
	"errors"
	"maps"
	"slices"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fuse"
)

// Mount mounts the file system, after a cut as it is on the disk. Kill the programs that use it before unmount,
// which waits up to 30 s until the kernel has closed their files.
func (f *FS) Mount(dir string) (unmount func() error, err error) {
	f.mu.Lock()
	f.cut = false
	f.mu.Unlock()
	ops := &operations{RawFileSystem: fuse.NewDefaultRawFileSystem(), fs: f}
	server, err := fuse.NewServer(ops, dir, &fuse.MountOptions{
		DirectMountStrict: true, FsName: "forgetfs", Name: "forgetfs", MaxWrite: 1 << 20, DisableXAttrs: true,
	})
	if err != nil {
		return nil, err
	}
	go server.Serve()
	if err := server.WaitMount(); err != nil {
		return nil, err
	}
	return func() error {
		err := server.Unmount()
		for end := time.Now().Add(30 * time.Second); errors.Is(err, syscall.EBUSY) && time.Now().Before(end); {
			time.Sleep(20 * time.Millisecond)
			err = server.Unmount()
		}
		return err
	}, nil
}

// operations are what the kernel asks for.
type operations struct {
	fuse.RawFileSystem
	fs *FS
}

// do runs an operation on an inode.
func (o *operations) do(id uint64, work func(n *inode) fuse.Status) fuse.Status {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	n := o.fs.inodes[id]
	switch {
	case o.fs.cut:
		return fuse.EIO
	case n == nil:
		return fuse.Status(syscall.ESTALE)
	}
	return work(n)
}

func (n *inode) attributes(out *fuse.Attr) {
	*out = fuse.Attr{Ino: n.id, Mode: n.mode, Nlink: uint32(n.links), Size: uint64(len(n.data)),
		Blocks: uint64(len(n.data)+511) / 512, Blksize: page}
}

func (n *inode) entry(out *fuse.EntryOut) fuse.Status {
	out.NodeId, out.Generation = n.id, 1
	n.attributes(&out.Attr)
	return fuse.OK
}

func (o *operations) Lookup(_ <-chan struct{}, header *fuse.InHeader, name string, out *fuse.EntryOut) fuse.Status {
	return o.do(header.NodeId, func(dir *inode) fuse.Status {
		n := dir.entries[name]
		if n == nil {
			return fuse.ENOENT
		}
		return n.entry(out)
	})
}

func (o *operations) GetAttr(_ <-chan struct{}, in *fuse.GetAttrIn, out *fuse.AttrOut) fuse.Status {
	return o.do(in.NodeId, func(n *inode) fuse.Status {
		n.attributes(&out.Attr)
		return fuse.OK
	})
}

func (o *operations) SetAttr(_ <-chan struct{}, in *fuse.SetAttrIn, out *fuse.AttrOut) fuse.Status {
	return o.do(in.NodeId, func(n *inode) fuse.Status {
		if in.Valid&fuse.FATTR_SIZE != 0 {
			n.truncate(int(in.Size))
		}
		if in.Valid&fuse.FATTR_MODE != 0 {
			n.mode = n.mode&syscall.S_IFMT | in.Mode&0o7777
		}
		n.attributes(&out.Attr)
		return fuse.OK
	})
}

// add makes a file or a directory.
func (o *operations) add(dir *inode, name string, mode uint32, out *fuse.EntryOut) fuse.Status {
	if dir.entries[name] != nil {
		return fuse.Status(syscall.EEXIST)
	}
	n := o.fs.newInode(mode)
	o.fs.change(setName{dir, name, n})
	return n.entry(out)
}

func (o *operations) Mkdir(_ <-chan struct{}, in *fuse.MkdirIn, name string, out *fuse.EntryOut) fuse.Status {
	return o.do(in.NodeId, func(dir *inode) fuse.Status { return o.add(dir, name, syscall.S_IFDIR|in.Mode&0o7777, out) })
}

func (o *operations) Create(_ <-chan struct{}, in *fuse.CreateIn, name string, out *fuse.CreateOut) fuse.Status {
	return o.do(in.NodeId, func(dir *inode) fuse.Status {
		return o.add(dir, name, syscall.S_IFREG|in.Mode&0o7777, &out.EntryOut)
	})
}

func (o *operations) remove(header *fuse.InHeader, name string, directory bool) fuse.Status {
	return o.do(header.NodeId, func(dir *inode) fuse.Status {
		n := dir.entries[name]
		switch {
		case n == nil:
			return fuse.ENOENT
		case directory && len(n.entries) > 0:
			return fuse.Status(syscall.ENOTEMPTY)
		}
		n.links--
		o.fs.change(setName{dir, name, nil})
		return fuse.OK
	})
}

func (o *operations) Unlink(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return o.remove(header, name, false)
}

func (o *operations) Rmdir(_ <-chan struct{}, header *fuse.InHeader, name string) fuse.Status {
	return o.remove(header, name, true)
}

func (o *operations) Rename(_ <-chan struct{}, in *fuse.RenameIn, from, to string) fuse.Status {
	return o.do(in.NodeId, func(dir *inode) fuse.Status {
		n, target := dir.entries[from], o.fs.inodes[in.Newdir]
		switch {
		case n == nil || target == nil:
			return fuse.ENOENT
		case in.Flags != 0:
			return fuse.EINVAL
		}
		if old := target.entries[to]; old != nil && len(old.entries) > 0 {
			return fuse.Status(syscall.ENOTEMPTY)
		} else if old == n {
			return fuse.OK
		}
		o.fs.change(setName{dir, from, nil}, setName{target, to, n})
		return fuse.OK
	})
}

func (o *operations) Link(_ <-chan struct{}, in *fuse.LinkIn, name string, out *fuse.EntryOut) fuse.Status {
	return o.do(in.NodeId, func(dir *inode) fuse.Status {
		n := o.fs.inodes[in.Oldnodeid]
		switch {
		case n == nil:
			return fuse.ENOENT
		case dir.entries[name] != nil:
			return fuse.Status(syscall.EEXIST)
		}
		n.links++
		o.fs.change(setName{dir, name, n})
		return n.entry(out)
	})
}

func (o *operations) Open(_ <-chan struct{}, in *fuse.OpenIn, _ *fuse.OpenOut) fuse.Status {
	return o.do(in.NodeId, func(n *inode) fuse.Status {
		if in.Flags&syscall.O_TRUNC != 0 {
			n.truncate(0)
		}
		return fuse.OK
	})
}

func (o *operations) Read(_ <-chan struct{}, in *fuse.ReadIn,
	buffer []byte) (result fuse.ReadResult, status fuse.Status) {
	status = o.do(in.NodeId, func(n *inode) fuse.Status {
		from := min(int(in.Offset), len(n.data))
		copied := copy(buffer, n.data[from:])
		result = fuse.ReadResultData(buffer[:copied])
		return fuse.OK
	})
	return result, status
}

func (o *operations) Write(_ <-chan struct{}, in *fuse.WriteIn, data []byte) (uint32, fuse.Status) {
	status := o.do(in.NodeId, func(n *inode) fuse.Status {
		offset := int(in.Offset)
		if in.Flags&syscall.O_APPEND != 0 {
			offset = len(n.data)
		}
		n.write(data, offset)
		if in.Flags&syscall.O_DSYNC != 0 { // a part of O_SYNC
			o.fs.sync(n)
		}
		return fuse.OK
	})
	return uint32(len(data)), status
}

func (o *operations) Flush(<-chan struct{}, *fuse.FlushIn) fuse.Status { return fuse.OK }

func (o *operations) Fsync(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return o.do(in.NodeId, func(n *inode) fuse.Status { o.fs.sync(n); return fuse.OK })
}

func (o *operations) Fallocate(_ <-chan struct{}, in *fuse.FallocateIn) fuse.Status {
	return o.do(in.NodeId, func(n *inode) fuse.Status {
		if size := int(in.Offset + in.Length); in.Mode == 0 && size > len(n.data) {
			n.truncate(size)
		}
		return fuse.OK
	})
}

func (o *operations) OpenDir(_ <-chan struct{}, in *fuse.OpenIn, _ *fuse.OpenOut) fuse.Status {
	return o.do(in.NodeId, func(*inode) fuse.Status { return fuse.OK })
}

func (o *operations) FsyncDir(_ <-chan struct{}, in *fuse.FsyncIn) fuse.Status {
	return o.do(in.NodeId, func(dir *inode) fuse.Status { o.fs.syncNames(dir); return fuse.OK })
}

func (o *operations) ReadDir(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return o.readDir(in, func(e fuse.DirEntry, _ *inode) bool { return out.AddDirEntry(e) })
}

func (o *operations) ReadDirPlus(_ <-chan struct{}, in *fuse.ReadIn, out *fuse.DirEntryList) fuse.Status {
	return o.readDir(in, func(e fuse.DirEntry, n *inode) bool {
		entry := out.AddDirLookupEntry(e)
		return entry != nil && n.entry(entry) == fuse.OK
	})
}

func (o *operations) readDir(in *fuse.ReadIn, add func(fuse.DirEntry, *inode) bool) fuse.Status {
	return o.do(in.NodeId, func(dir *inode) fuse.Status {
		names := slices.Sorted(maps.Keys(dir.entries))
		for i := int(in.Offset); i < len(names); i++ {
			n := dir.entries[names[i]]
			if !add(fuse.DirEntry{Name: names[i], Ino: n.id, Mode: n.mode, Off: uint64(i + 1)}, n) {
				break
			}
		}
		return fuse.OK
	})
}

func (o *operations) StatFs(_ <-chan struct{}, _ *fuse.InHeader, out *fuse.StatfsOut) fuse.Status {
	const free = 1 << 40 / page
	*out = fuse.StatfsOut{Bsize: page, Frsize: page, Blocks: free, Bfree: free, Bavail: free, NameLen: 255}
	return fuse.OK
}
