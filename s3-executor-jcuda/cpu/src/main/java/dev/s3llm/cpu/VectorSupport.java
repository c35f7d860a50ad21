package dev.s3llm.cpu;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Chooses the inner loops: with the vector API of the JDK where it is there, or plain ones. */
final class VectorSupport {
  private static final String MODULE = "jdk.incubator.vector";

  private VectorSupport() {}

  /** Returns the fastest inner loops that this JVM runs. */
  static Arithmetic arithmetic() {
    return Chosen.ARITHMETIC;
  }

  /** Chosen once, at first use. */
  private static final class Chosen {
    static final Arithmetic ARITHMETIC = choose();
  }

  private static Arithmetic choose() {
    return ModuleLayer.boot().findModule(MODULE).isPresent() ? vectors() : new PlainArithmetic();
  }

  private static Arithmetic vectors() {
    VectorSupport.class.getModule().addReads(ModuleLayer.boot().findModule(MODULE).orElseThrow());
    try {
      return (Arithmetic)
          Class.forName("dev.s3llm.cpu.VectorArithmetic").getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException | LinkageError e) {
      return new PlainArithmetic();
    }
  }
}
