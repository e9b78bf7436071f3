package hygiene

import (
	"debug/elf"
	"debug/macho"
	"debug/pe"
	"encoding/binary"
	"path"
	"slices"
	"strings"

	"github.com/fnvet/fnvet"
)

// A platforms is a set of operating systems and processors.
type platforms uint32

const (
	linuxAMD64 platforms = 1 << iota
	linuxARM64
	linux386
	linuxARM
	linuxOther
	darwinAMD64
	darwinARM64
	windowsAMD64
	windowsARM64
	windows386
)

var platformNames = [...]struct {
	is   platforms
	name string
}{
	{linuxAMD64, "linux/amd64"}, {linuxARM64, "linux/arm64"}, {linux386, "linux/386"}, {linuxARM, "linux/arm"}, {linuxOther, "another processor"},
	{darwinAMD64, "darwin/amd64"}, {darwinARM64, "darwin/arm64"},
	{windowsAMD64, "windows/amd64"}, {windowsARM64, "windows/arm64"}, {windows386, "windows/386"},
}

const (
	linuxAll   = linuxAMD64 | linuxARM64 | linux386 | linuxARM | linuxOther
	windowsAll = windowsAMD64 | windowsARM64 | windows386
)

func (p platforms) String() string {
	var names []string
	for _, n := range platformNames {
		if p&n.is != 0 {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ", ")
}

// architecture is the Linux platform that a configuration names.
func architecture(name string) platforms {
	switch name {
	case "x86_64", "amd64", "x64":
		return linuxAMD64
	case "arm64", "aarch64":
		return linuxARM64
	}
	return 0
}

// platformOf tells from a file's header for which platforms a library or program
// is, or 0. Object files, cores, debug files and .NET assemblies, which run
// anywhere, do not count.
func platformOf(b []byte) platforms {
	switch {
	case len(b) < 64:
		return 0
	case string(b[:4]) == elf.ELFMAG:
		return elfPlatform(b)
	case string(b[:2]) == "MZ":
		return pePlatform(b)
	}
	return machoPlatform(b)
}

// elfPlatform reads e_type and e_machine of the ELF header.
func elfPlatform(b []byte) platforms {
	var order binary.ByteOrder = binary.LittleEndian
	if b[elf.EI_DATA] == byte(elf.ELFDATA2MSB) {
		order = binary.BigEndian
	}
	if kind := elf.Type(order.Uint16(b[16:])); kind != elf.ET_DYN && kind != elf.ET_EXEC {
		return 0
	}
	switch elf.OSABI(b[elf.EI_OSABI]) {
	case elf.ELFOSABI_NONE, elf.ELFOSABI_LINUX:
	default:
		return 0
	}
	switch elf.Machine(order.Uint16(b[18:])) {
	case elf.EM_X86_64:
		return linuxAMD64
	case elf.EM_AARCH64:
		return linuxARM64
	case elf.EM_386:
		return linux386
	case elf.EM_ARM:
		return linuxARM
	case elf.EM_PPC64, elf.EM_S390, elf.EM_RISCV, elf.EM_LOONGARCH, elf.EM_MIPS:
		return linuxOther
	default:
		return 0
	}
}

// pePlatform reads the machine of a PE file, unless it is a .NET assembly, which
// has a CLR header (Microsoft PE format, "Optional Header Data Directories").
func pePlatform(b []byte) platforms {
	at := int64(binary.LittleEndian.Uint32(b[60:]))
	if at+24 > int64(len(b)) || string(b[at:at+4]) != "PE\x00\x00" {
		return 0
	}
	header := b[at+4:]
	machine := binary.LittleEndian.Uint16(header)
	optional := header[20:]
	const clr = 14
	directories := 96
	if len(optional) > 2 && binary.LittleEndian.Uint16(optional) == 0x20b {
		directories = 112
	}
	if end := directories + 8*clr + 8; len(optional) >= end && binary.LittleEndian.Uint32(optional[end-8:]) != 0 {
		return 0
	}
	switch machine {
	case pe.IMAGE_FILE_MACHINE_AMD64:
		return windowsAMD64
	case pe.IMAGE_FILE_MACHINE_ARM64:
		return windowsARM64
	case pe.IMAGE_FILE_MACHINE_I386:
		return windows386
	}
	return 0
}

// machoPlatform reads the processors of a Mach-O file, thin or universal. A
// universal file has few of them, where a Java class, which begins with the same
// bytes, has its version.
func machoPlatform(b []byte) platforms {
	cpu := func(v uint32) platforms {
		switch macho.Cpu(v) {
		case macho.CpuAmd64:
			return darwinAMD64
		case macho.CpuArm64:
			return darwinARM64
		default:
			return 0
		}
	}
	switch binary.LittleEndian.Uint32(b) {
	case macho.Magic64:
		if kind := macho.Type(binary.LittleEndian.Uint32(b[12:])); kind == macho.TypeObj {
			return 0
		}
		return cpu(binary.LittleEndian.Uint32(b[4:]))
	}
	var all platforms
	if n := binary.BigEndian.Uint32(b[4:]); binary.BigEndian.Uint32(b) == macho.MagicFat && n <= 8 {
		for i := 0; i < int(n) && 8+20*i+4 <= len(b); i++ {
			all |= cpu(binary.BigEndian.Uint32(b[8+20*i:]))
		}
	}
	return all
}

// A nativeGroup is the native libraries of one package, which may bring them for
// many platforms and load the one that fits.
type nativeGroup struct {
	files []nativeFile
}

type nativeFile struct {
	path, layer string
	is          platforms
}

// native notes a library or program of the function.
func (d *Detector) native(f *fnvet.File) {
	is := platformOf(f.Data)
	if is == 0 || is&windowsAll != 0 && !windowsLibrary(f.Name) {
		return
	}
	group := groupOf(f)
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.natives[group]
	if g == nil {
		if len(d.natives) >= maxNatives {
			d.cut = true
			return
		}
		g = &nativeGroup{}
		d.natives[group] = g
	}
	if len(g.files) < 1000 {
		g.files = append(g.files, nativeFile{strings.Clone(f.Path), f.Layer, is})
	}
}

// windowsLibrary reports what a program for Windows loads. Programs themselves, such
// as the launchers that Python's installers bring everywhere, start nothing here.
func windowsLibrary(name string) bool {
	switch strings.ToLower(path.Ext(name)) {
	case ".dll", ".pyd", ".node":
		return true
	}
	return false
}

// systemNative notes what the image's own programs run on.
func (d *Detector) systemNative(f *fnvet.File) {
	if f.Depth > 0 || f.Size < 64 {
		return
	}
	is := platformOf(f.Data) & (linuxAMD64 | linuxARM64)
	if is == 0 || !strings.Contains(f.Name, "ld-") && !strings.Contains(f.Name, "libc") && path.Base(f.Name) != "busybox" {
		return
	}
	d.mu.Lock()
	d.system |= is
	d.mu.Unlock()
}

// platformWords are parts of package and folder names that name a platform:
// packages that differ only in them are one, in editions.
var platformWords = []string{
	"darwin", "macosx", "macos", "osx", "linux", "linuxmusl", "win32", "win64", "windows", "win", "freebsd", "openbsd", "netbsd", "sunos", "android",
	"x64", "x86", "arm64", "aarch64", "x86_64", "amd64", "i386", "i686", "ia32", "arm", "armv6", "armv7", "armhf", "arm64eabi", "64", "32",
	"musl", "gnu", "glibc", "gnueabihf", "musleabihf", "msvc", "ppc64", "ppc64le", "s390x", "riscv64", "loong64", "mips64el", "universal", "universal2",
}

// groupOf names the package that a native library belongs to: the archive it is
// in, the npm package, else the folder below the outermost one with libraries.
func groupOf(f *fnvet.File) string {
	prefix := strings.TrimSuffix(f.Path, f.Name)
	if f.Depth > 0 {
		return path.Dir(f.Container) + "/" + withoutPlatform(path.Base(f.Container))
	}
	for _, root := range []string{"node_modules/", "site-packages/", "dist-packages/"} {
		i := strings.LastIndex(f.Name, root)
		if i < 0 || i > 0 && f.Name[i-1] != '/' {
			continue
		}
		at := i + len(root)
		parts := strings.SplitN(f.Name[at:], "/", 3)
		n := 1
		if strings.HasPrefix(parts[0], "@") {
			n = 2
		}
		return prefix + f.Name[:at] + withoutPlatform(strings.Join(parts[:min(n, len(parts))], "/"))
	}
	rest := f.Name
	for {
		first, below, nested := strings.Cut(rest, "/")
		if !nested || !outerFolders[first] {
			return prefix + strings.TrimSuffix(f.Name, rest) + withoutPlatform(first)
		}
		rest = below
	}
}

// outerFolders hold the folders of packages, in functions, layers and images.
var outerFolders = map[string]bool{
	"python": true, "ruby": true, "java": true, "nodejs": true, "lib": true, "lib64": true, "bin": true, "app": true, "src": true, "opt": true,
	"var": true, "task": true, "home": true, "usr": true, "srv": true, "function": true, "functions": true, "package": true, "dist": true,
	"build": true, "code": true, "extensions": true, ".python_packages": true, "BOOT-INF": true,
}

// withoutPlatform drops the words of a name that say a platform.
func withoutPlatform(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	var kept []string
	for _, w := range words {
		if !slices.Contains(platformWords, strings.ToLower(w)) {
			kept = append(kept, w)
		}
	}
	return strings.Join(kept, "-")
}

// target is the platform the function runs on as far as it is known, and from what.
func (d *Detector) target() (platforms, string) {
	if p := architecture(d.options.Architecture); p != 0 {
		return p, "as given"
	}
	for _, a := range d.artifact.Config.Architectures {
		if p := architecture(a); p != 0 {
			return p, "as the function's configuration states"
		}
	}
	if p := d.statedPlatform(); p != 0 {
		return p, "as its template states"
	}
	if p := architecture(d.artifact.Config.Architecture); p != 0 && d.artifact.Config.OS != "windows" {
		return p, "as the image states"
	}
	if d.system == linuxAMD64 || d.system == linuxARM64 {
		return d.system, "as the image's C library is"
	}
	return 0, ""
}

// platformFindings compares what the packages were built for with what the
// function runs on, or, where that is not known, with each other.
func (d *Detector) platformFindings(removed func(path, layer string) bool) []fnvet.Finding {
	target, how := d.target()
	var found []fnvet.Finding
	only := map[platforms][]nativeFile{} // the first file of the groups for one Linux platform only
	for _, group := range d.sortedGroups() {
		files := slices.DeleteFunc(slices.Clone(d.natives[group].files), func(f nativeFile) bool { return removed(f.path, f.layer) })
		slices.SortFunc(files, func(a, b nativeFile) int { return strings.Compare(a.path+"\x00"+a.layer, b.path+"\x00"+b.layer) })
		var all platforms
		for _, f := range files {
			all |= f.is
		}
		if all == 0 || all&target != 0 {
			continue
		}
		if target != 0 || all&(linuxAll|windowsAll) == 0 {
			found = append(found, misfit(files[0], all, target, how))
			continue
		}
		if all == linuxAMD64 || all == linuxARM64 {
			only[all] = append(only[all], files[0])
		}
	}
	if a, b := only[linuxAMD64], only[linuxARM64]; len(a) > 0 && len(b) > 0 {
		few, many, is := b, a, linuxARM64
		if len(a) < len(b) {
			few, many, is = a, b, linuxAMD64
		}
		found = append(found, finding(mixedArchitectures, "", few[0].path, few[0].layer,
			counted(len(few), "package")+" for "+is.String()+" only, "+counted(len(many), "other")+" such as "+many[0].path+" for "+((linuxAMD64|linuxARM64)&^is).String()))
	}
	return found
}

// misfit is the finding of a package that has nothing for the target.
func misfit(first nativeFile, all, target platforms, how string) fnvet.Finding {
	evidence := "built for " + all.String()
	severity := fnvet.Severity("")
	switch {
	case target != 0:
		evidence += "; the function runs on " + target.String() + ", " + how
	default:
		evidence += ", on which no function runs"
	}
	if all&linuxAll == 0 && namesPlatform(first.path) {
		severity = fnvet.Low // one of several editions, chosen by name
	}
	return finding(nativeArchitecture, severity, first.path, first.layer, evidence)
}

// namesPlatform reports a path that says it is for another system than Linux, so
// that nobody loads it on Linux by mistake.
func namesPlatform(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"darwin", "macos", "osx", "win32", "win64", "windows", "win-", "fsevents", "kqueue", "bsd"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return false
}

func (d *Detector) sortedGroups() []string {
	var groups []string
	for g := range d.natives {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	return groups
}
