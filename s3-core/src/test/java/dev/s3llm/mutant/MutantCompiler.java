package dev.s3llm.mutant;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.tools.FileObject;
import javax.tools.ForwardingJavaFileManager;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileManager;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/** Compiles one source of main code with a bug planted in it, in memory. */
final class MutantCompiler {
  private static final Path SOURCES =
      Path.of(System.getProperty("basedir", ""), "src", "main", "java", "dev", "s3llm");

  private final JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
  private final StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null);

  /**
   * Returns the class files of a source with the bug in it, by class name.
   *
   * @throws AssertionError if the text to replace does not occur exactly once, or the source does
   *     not compile with the bug
   */
  Map<String, byte[]> compile(Mutant mutant) {
    Source source = new Source(mutant.file(), planted(mutant));
    Outputs outputs = new Outputs(files);
    StringWriter messages = new StringWriter();
    List<String> options = List.of("-proc:none", "-nowarn", "-implicit:none", "--release", "17");
    boolean compiled =
        compiler.getTask(messages, outputs, null, options, null, List.of(source)).call();
    if (!compiled) {
      throw new AssertionError(mutant + " does not compile: " + messages);
    }
    return outputs.classes();
  }

  private static String planted(Mutant mutant) {
    String text = read(SOURCES.resolve(mutant.file()));
    int place = text.indexOf(mutant.old());
    if (place < 0 || place != text.lastIndexOf(mutant.old())) {
      throw new AssertionError(
          (place < 0 ? "no place" : "more than one place")
              + " for "
              + mutant
              + " in "
              + mutant.file());
    }
    return text.substring(0, place)
        + mutant.replacement()
        + text.substring(place + mutant.old().length());
  }

  private static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A source in memory. */
  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String file, String text) {
      super(URI.create("string:///dev/s3llm/" + file), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }

  /** Stores the compiler's output in memory. */
  private static final class Outputs extends ForwardingJavaFileManager<JavaFileManager> {
    private final Map<String, ByteArrayOutputStream> written = new HashMap<>();

    Outputs(JavaFileManager files) {
      super(files);
    }

    @Override
    public JavaFileObject getJavaFileForOutput(
        Location location, String name, JavaFileObject.Kind kind, FileObject sibling) {
      return new SimpleJavaFileObject(URI.create("memory:///" + name), kind) {
        @Override
        public OutputStream openOutputStream() {
          ByteArrayOutputStream out = new ByteArrayOutputStream();
          written.put(name, out);
          return out;
        }
      };
    }

    Map<String, byte[]> classes() {
      Map<String, byte[]> classes = new HashMap<>();
      written.forEach((name, out) -> classes.put(name, out.toByteArray()));
      return classes;
    }
  }
}
