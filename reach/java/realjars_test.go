package java_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fnvet/fnvet"
	"github.com/fnvet/fnvet/reach/java"
)

// jarsVariable names a folder of real jars:
//
//	FNVET_REACH_JARS=/tmp/jars go test -run RealJars -v ./reach/java
const jarsVariable = "FNVET_REACH_JARS"

// exerciser makes one object of a class by every constructor and calls every
// method of it with empty arguments: most fail at once, many do what they are for.
const exerciser = `package fnvet;
import java.lang.reflect.*;
public class Driver {
  static Object empty(Class<?> t) {
    if (t == boolean.class) return false;
    if (t == char.class) return 'a';
    if (t.isPrimitive()) return t == long.class ? (Object) 1L : t == float.class ? (Object) 1f : t == double.class ? (Object) 1d : t == short.class ? (Object) (short) 1 : t == byte.class ? (Object) (byte) 1 : (Object) 1;
    if (t == String.class || t == CharSequence.class || t == Object.class) return "a";
    if (t == byte[].class) return new byte[] {1};
    if (t == Class.class) return String.class;
    if (t.isAssignableFrom(java.util.ArrayList.class)) return new java.util.ArrayList<Object>();
    if (t.isAssignableFrom(java.util.HashMap.class)) return new java.util.HashMap<Object, Object>();
    if (t == java.io.InputStream.class) return new java.io.ByteArrayInputStream(new byte[] {1});
    if (t == java.io.Reader.class) return new java.io.StringReader("a");
    return null;
  }
  static Object[] empties(Class<?>[] types) {
    Object[] out = new Object[types.length];
    for (int i = 0; i < out.length; i++) out[i] = empty(types[i]);
    return out;
  }
  static void use(String name) {
    java.util.List<Object> made = new java.util.ArrayList<>();
    Class<?> c;
    try { c = Class.forName(name); } catch (Throwable e) { return; }
    made.add(null);
    try {
      for (Constructor<?> k : c.getDeclaredConstructors())
        try { k.setAccessible(true); made.add(k.newInstance(empties(k.getParameterTypes()))); } catch (Throwable e) { }
      for (Method m : c.getDeclaredMethods())
        for (Object o : made)
          try { m.setAccessible(true); m.invoke(o, empties(m.getParameterTypes())); } catch (Throwable e) { }
    } catch (Throwable e) { }
  }
  public static void main(String[] a) throws Exception {
    Thread t = new Thread(() -> use(a[0]));
    t.setDaemon(true);
    t.start();
    t.join(5000);
    Runtime.getRuntime().halt(0);
  }
}`

// programs use libraries for what they are for; each is the body of a main method.
var programs = []string{
	`new com.fasterxml.jackson.databind.ObjectMapper().readTree("{\"a\":[1]}").toString();`,
	`new com.fasterxml.jackson.databind.ObjectMapper(new com.fasterxml.jackson.dataformat.yaml.YAMLFactory()).writeValueAsString(java.util.Map.of("a", 1));`,
	`new com.google.gson.Gson().toJson(java.util.List.of("a", 1));`,
	`com.google.common.hash.Hashing.sha256().hashString("a", java.nio.charset.StandardCharsets.UTF_8); com.google.common.cache.CacheBuilder.newBuilder().build();`,
	`org.slf4j.LoggerFactory.getLogger("a").error("b", new Exception());`,
	`org.apache.logging.log4j.LogManager.getLogger("a").error("b {}", 1);`,
	`org.apache.log4j.BasicConfigurator.configure(); org.apache.log4j.Logger.getLogger("a").error("b");`,
	`java.sql.DriverManager.getConnection("jdbc:h2:mem:a").createStatement().execute("create table t(a int)");`,
	`java.sql.DriverManager.getConnection("jdbc:postgresql://127.0.0.1:1/a?connectTimeout=1");`,
	`java.sql.DriverManager.getConnection("jdbc:mysql://127.0.0.1:1/a?connectTimeout=100");`,
	`new okhttp3.OkHttpClient().newCall(new okhttp3.Request.Builder().url("http://127.0.0.1:1/").build()).execute();`,
	`org.apache.http.impl.client.HttpClients.createDefault().execute(new org.apache.http.client.methods.HttpGet("http://127.0.0.1:1/"));`,
	`io.netty.buffer.ByteBuf b = io.netty.buffer.PooledByteBufAllocator.DEFAULT.buffer(); b.writeInt(1); new io.netty.bootstrap.ServerBootstrap();`,
	`io.netty.channel.embedded.EmbeddedChannel c = new io.netty.channel.embedded.EmbeddedChannel(new io.netty.handler.codec.http.HttpServerCodec()); c.writeInbound(io.netty.buffer.Unpooled.copiedBuffer("GET / HTTP/1.1\r\n\r\n", java.nio.charset.StandardCharsets.US_ASCII)); c.readInbound();`,
	`new org.apache.commons.text.StringSubstitutor(java.util.Map.of("a", "b")).replace("${a} ${base64Decoder:YQ==}"); org.apache.commons.text.StringSubstitutor.createInterpolator().replace("${base64Decoder:YQ==}");`,
	`new org.apache.commons.compress.compressors.CompressorStreamFactory().createCompressorInputStream("gz", new java.io.ByteArrayInputStream(new byte[0]));`,
	`org.apache.commons.csv.CSVParser.parse("a,b", org.apache.commons.csv.CSVFormat.DEFAULT).getRecords();`,
	`new org.apache.commons.configuration2.builder.fluent.Configurations().properties(new java.io.File("none.properties"));`,
	`new org.apache.commons.beanutils.BeanUtilsBean().getProperty(new Object(), "class");`,
	`org.joda.time.DateTime.now().toString();`,
	`com.jayway.jsonpath.JsonPath.read("{\"a\":1}", "$.a");`,
	`com.nimbusds.jwt.JWTParser.parse("eyJhbGciOiJub25lIn0.e30.").getJWTClaimsSet();`,
	`java.security.Security.addProvider(new org.bouncycastle.jce.provider.BouncyCastleProvider()); java.security.MessageDigest.getInstance("RIPEMD160", "BC");`,
	`new org.dom4j.io.SAXReader().read(new java.io.StringReader("<a/>"));`,
	`new com.thoughtworks.xstream.XStream().toXML(java.util.List.of(1));`,
	`new org.yaml.snakeyaml.Yaml().dump(java.util.Map.of("a", 1));`,
	`new org.springframework.expression.spel.standard.SpelExpressionParser().parseExpression("1+1").getValue();`,
	`com.amazonaws.services.s3.AmazonS3ClientBuilder.standard().withRegion("eu-west-1").withCredentials(new com.amazonaws.auth.AWSStaticCredentialsProvider(new com.amazonaws.auth.BasicAWSCredentials("a", "b"))).build().listBuckets();`,
	`software.amazon.awssdk.services.s3.S3Client.builder().build();`,
	`com.google.protobuf.Struct.newBuilder().build().toByteArray(); com.google.protobuf.DynamicMessage.getDefaultInstance(com.google.protobuf.StructProto.getDescriptor().getMessageTypes().get(0)).toString();`,
	`new org.json.JSONObject("{\"a\":1}").toString(); new net.minidev.json.parser.JSONParser(-1).parse("{}");`,
	`new org.apache.commons.collections.map.LRUMap().put("a", 1); org.apache.commons.lang.StringUtils.reverse("a"); new org.apache.commons.codec.digest.DigestUtils("SHA-1").digestAsHex("a");`,
}

// TestRealJars uses classes of a folder of jars, and programs made of them, in
// turn, and holds the answers for each as entry against what the JVM loads.
func TestRealJars(t *testing.T) {
	dir := os.Getenv(jarsVariable)
	if dir == "" {
		t.Skipf("%s is not set", jarsVariable)
	}
	jars := readJars(t, dir)
	files := read(t, jars)
	var sum tally
	own := func(class, source string) (string, []java.File, bool) {
		jar, ok := compileWith(t, dir, class, source)
		if !ok {
			return "", nil, false
		}
		at := filepath.Join(t.TempDir(), "own.jar")
		if err := os.WriteFile(at, jar, 0o600); err != nil {
			t.Fatal(err)
		}
		return at, read(t, map[string][]byte{"own": jar}), true
	}
	driver, _, ok := own("Driver", exerciser)
	if !ok {
		t.Fatal("the exerciser does not compile")
	}
	for _, entry := range entryClasses(jars, 60) {
		sum.judge(t, jars, files, entry, trace(t, dir, driver, "fnvet.Driver", strings.ReplaceAll(entry, "/", ".")))
	}
	ran := 0
	for i, body := range programs {
		class := fmt.Sprintf("Program%d", i)
		at, mine, ok := own(class, "package fnvet; public class "+class+" { public static void main(String[] a) throws Exception { "+body+" } }")
		if !ok {
			continue
		}
		ran++
		sum.judge(t, jars, append(slices.Clone(files), mine...), "fnvet/"+class, trace(t, dir, at, "fnvet."+class))
	}
	t.Logf("%d jars, %d programs; %d loads, %d of them called no; answers: %d yes, %d no, %d unknown",
		len(jars), ran, sum.loads, sum.wrong, sum.answers[fnvet.ReachYes], sum.answers[fnvet.ReachNo], sum.answers[fnvet.ReachUnknown])
}

func readJars(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil || len(names) == 0 {
		t.Fatal("no jars", err)
	}
	jars := map[string][]byte{}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		jars[strings.TrimSuffix(filepath.Base(name), ".jar")] = data
	}
	return jars
}

// compileWith compiles one class against jars; false where they do not have what
// it uses.
func compileWith(t *testing.T, dir, class, source string) ([]byte, bool) {
	t.Helper()
	at := t.TempDir()
	file := filepath.Join(at, class+".java")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.CommandContext(t.Context(), "javac", "-nowarn", "-proc:none", "-cp", filepath.Join(dir, "*"), "-d", at, file).CombinedOutput(); err != nil {
		t.Logf("%s is left out: %s", class, text)
		return nil, false
	}
	data, err := os.ReadFile(filepath.Join(at, "fnvet", class+".class"))
	if err != nil {
		t.Fatal(err)
	}
	return zipped(t, map[string][]byte{"fnvet/" + class + ".class": data}), true
}

// trace runs a main class, whatever comes of it, and lists a class loaded of each jar.
func trace(t *testing.T, dir, own, main string, args ...string) map[string]string {
	t.Helper()
	log := filepath.Join(t.TempDir(), "load.log")
	cp := own + string(filepath.ListSeparator) + filepath.Join(dir, "*")
	cmd := exec.CommandContext(t.Context(), "timeout", append([]string{"60", "java", "-Xlog:class+load=info:file=" + log + ":none", "-cp", cp, main}, args...)...)
	cmd.Dir = t.TempDir()
	_ = cmd.Run() // most calls with empty arguments fail
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.SplitSeq(string(data), "\n") {
		class, source, ok := strings.Cut(line, " source: file:")
		if jar, is := strings.CutSuffix(filepath.Base(strings.TrimSpace(source)), ".jar"); ok && is {
			out[jar] = class
		}
	}
	return out
}

// A tally counts answers and those that a trace proves wrong.
type tally struct {
	loads, wrong int
	answers      map[fnvet.Reach]int
}

func (s *tally) judge(t *testing.T, jars map[string][]byte, files []java.File, entry string, loads map[string]string) {
	t.Helper()
	if s.answers == nil {
		s.answers = map[fnvet.Reach]int{}
	}
	got := answers(t, files, java.Program{Entries: []string{entry}})
	for jar, class := range loads {
		if jars[jar] == nil {
			continue
		}
		s.loads++
		if got[jar].Reach == fnvet.ReachNo {
			s.wrong++
			t.Errorf("%s: %s is a no, and the JVM loads %s of it", entry, jar, class)
		}
	}
	for _, a := range got {
		s.answers[a.Reach]++
	}
}

// entryClasses picks n classes evenly out of all top-level ones.
func entryClasses(jars map[string][]byte, n int) []string {
	var all []string
	for _, jar := range slices.Sorted(maps.Keys(jars)) {
		z, err := zip.NewReader(bytes.NewReader(jars[jar]), int64(len(jars[jar])))
		if err != nil {
			continue
		}
		for _, f := range z.File {
			if class, ok := strings.CutSuffix(f.Name, ".class"); ok && !strings.ContainsAny(class, "$-") && !strings.HasPrefix(class, "META-INF") {
				all = append(all, class)
			}
		}
	}
	var out []string
	for i := 0; i < len(all); i += max(1, len(all)/n) {
		out = append(out, all[i])
	}
	return out
}
