package dev.s3llm.jcuda.internal.driver;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the CUDA sources, so that tests without a GPU find launches that do not fit them. */
public final class KernelSignatures {
  private static final Path SOURCES = Path.of("src/main/cuda");

  private KernelSignatures() {}

  /** Returns the number of parameters of a kernel. */
  public static int parametersOf(String kernel) throws IOException {
    String stem =
        kernel.matches("(gemm|experts)_.*_(u4|s8|e4m3|e2m1)_.*")
            ? kernel.replaceFirst("_.*", "_##type##_##code")
            : kernel
                .replaceFirst("_(f16|bf16|f32)(_.*)?$", "")
                .replaceFirst("_(u4|s8|e4m3|[48])$", "_");
    Pattern signature =
        Pattern.compile("extern \"C\" __global__[^;{}]*?\\b" + stem + "[#\\w]*\\(([^)]*)\\)");
    try (var files = Files.list(SOURCES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".cu")).sorted().toList()) {
        Matcher matcher = signature.matcher(Files.readString(file).replace('\\', ' '));
        if (matcher.find()) {
          return matcher.group(1).split(",", -1).length;
        }
      }
    }
    throw new AssertionError("no kernel " + stem);
  }

  /** Returns the size of a struct that {@code speech.cuh} asserts. */
  public static int sizeOf(String struct) throws IOException {
    return sizeOf(struct, "speech.cuh");
  }

  /** Returns the size of a struct that a file asserts. */
  public static int sizeOf(String struct, String file) throws IOException {
    String source = Files.readString(SOURCES.resolve(file));
    Matcher matcher = Pattern.compile("sizeof\\(" + struct + "\\) == (\\d+)").matcher(source);
    if (!matcher.find()) {
      throw new AssertionError("no size of " + struct);
    }
    return Integer.parseInt(matcher.group(1));
  }
}
