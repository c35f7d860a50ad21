package dev.s3llm.cpu;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Chooses the inner loops: those with the vector API of the JDK where its module was added, else
 * the plain ones. The vector API is an incubating module, which a JVM resolves only on request;
 * therefore this module does not require it, and the class that uses it is loaded by name.
 */
final class VectorSupport {
  private static final Logger LOG = LoggerFactory.getLogger(VectorSupport.class);
  private static final String MODULE = "jdk.incubator.vector";
  private static final String VECTORS = "dev.s3llm.cpu.VectorArithmetic";

  private VectorSupport() {}

  /** Returns the fastest inner loops that this JVM runs; says once in the log which they are. */
  static Arithmetic arithmetic() {
    return Chosen.ARITHMETIC;
  }

  /** Chosen once, at first use. */
  private static final class Chosen {
    static final Arithmetic ARITHMETIC = choose();
  }

  private static Arithmetic choose() {
    Module vectors = ModuleLayer.boot().findModule(MODULE).orElse(null);
    if (vectors == null) {
      LOG.info(
          "The CPU executor runs without vector instructions; the option --add-modules {} of the java command makes it two to three times faster",
          MODULE);
      return new PlainArithmetic();
    }
    VectorSupport.class.getModule().addReads(vectors);
    try {
      return Class.forName(VECTORS)
          .asSubclass(Arithmetic.class)
          .getDeclaredConstructor()
          .newInstance();
    } catch (ReflectiveOperationException | LinkageError e) {
      LOG.warn("The vector API of this JVM cannot be used; the CPU executor runs without it", e);
      return new PlainArithmetic();
    }
  }
}
