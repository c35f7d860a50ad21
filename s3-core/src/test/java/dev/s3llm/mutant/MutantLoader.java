package dev.s3llm.mutant;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** A loader that defines the project's main and test classes again, some of them mutated. */
final class MutantLoader extends ClassLoader {
  private static final String OURS = "dev.s3llm.";

  /** Class files that were read, for all loaders: each class is read once. */
  private static final Map<String, byte[]> READ = new ConcurrentHashMap<>();

  private final Map<String, byte[]> mutated;

  /**
   * Creates the loader.
   *
   * @param parent loads all other classes
   * @param mutated class files by class name; they replace the compiled ones
   */
  MutantLoader(ClassLoader parent, Map<String, byte[]> mutated) {
    super(parent);
    this.mutated = Map.copyOf(mutated);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(OURS)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? define(name) : loaded;
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    byte[] bytes = mutated.get(name);
    if (bytes == null) {
      bytes = READ.get(name);
    }
    if (bytes == null) {
      bytes = compiled(name);
      READ.put(name, bytes);
    }
    return defineClass(name, bytes, 0, bytes.length);
  }

  private byte[] compiled(String name) throws ClassNotFoundException {
    try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
