package dev.s3llm.examples.docs;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import javax.tools.DiagnosticCollector;
import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Compiles Java of a document against the class path of the tests, and runs it. */
final class SnippetCompiler {
  private final Path classes;

  /**
   * Creates a compiler.
   *
   * @param classes the folder that receives the classes
   */
  SnippetCompiler(Path classes) {
    this.classes = classes;
  }

  /**
   * Compiles one source file.
   *
   * @param name the name of its top-level class
   * @param source all of its text
   * @return this compiler
   * @throws AssertionError if it does not compile; the message has the compiler's errors
   */
  SnippetCompiler compile(String name, String source) {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    DiagnosticCollector<JavaFileObject> errors = new DiagnosticCollector<>();
    List<String> options =
        List.of("-proc:none", "-cp", System.getProperty("java.class.path"), "-d", "" + classes);
    boolean compiled =
        compiler
            .getTask(null, null, errors, options, null, List.of(new Source(name, source)))
            .call();
    if (!compiled) {
      String messages =
          errors.getDiagnostics().stream().map(Object::toString).collect(Collectors.joining("\n"));
      throw new AssertionError("the document's Java does not compile:\n" + messages);
    }
    return this;
  }

  /**
   * Runs the main method of a compiled class.
   *
   * @param name the name of the class
   * @return what it printed
   * @throws AssertionError if it throws
   */
  String runMain(String name) {
    PrintStream console = System.out;
    ByteArrayOutputStream printed = new ByteArrayOutputStream();
    try (URLClassLoader loader =
        new URLClassLoader(
            new URL[] {classes.toUri().toURL()}, SnippetCompiler.class.getClassLoader())) {
      System.setOut(new PrintStream(printed, true, StandardCharsets.UTF_8));
      Object noArguments = new String[0];
      loader.loadClass(name).getMethod("main", String[].class).invoke(null, noArguments);
    } catch (ReflectiveOperationException e) {
      throw new AssertionError("the document's main method failed", e);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      System.setOut(console);
    }
    return printed.toString(StandardCharsets.UTF_8);
  }

  /** A source file in memory. */
  private static final class Source extends SimpleJavaFileObject {
    private final String text;

    Source(String name, String text) {
      super(URI.create("string:///" + name + ".java"), Kind.SOURCE);
      this.text = text;
    }

    @Override
    public CharSequence getCharContent(boolean ignoreEncodingErrors) {
      return text;
    }
  }
}
