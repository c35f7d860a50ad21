package dev.s3llm.simulate;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import dev.s3llm.Allocations;
import dev.s3llm.error.TraceFormatException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.MethodSource;

/** A trace file with any content is read or refused. */
@Timeout(60)
class TraceReaderFuzzTest {
  private static final String HEADER = "arrival_s,prompt_tokens,output_tokens";

  /** Bytes allocated for a byte of a file; a row of 6 bytes becomes strings, an array, a record. */
  private static final int BYTES_A_BYTE = 400;

  private static final long BYTES_AT_LEAST = 4 << 20;

  @TempDir static Path folder;

  static Stream<byte[]> seeds() {
    return Stream.of(
            HEADER,
            HEADER + "\n0,1,1\n0.5,2,3\n",
            HEADER + ",predicted_tokens\r\n0,30,220,277\r\n1e3, 42 ,86,101\r\n",
            "\uFEFF" + HEADER + "\n\n \n0x1p-3d,16777216,1",
            HEADER + "\n-0,1,1\nNaN,1,1",
            HEADER + "\n1e9,1,1\nInfinity,1,1",
            HEADER + "\n2,1,1\n1,1,1",
            HEADER + "\n0,99999999999999999999,1",
            HEADER + ",tenant,limit,cancelled_s\n0,1,1,a,5,\n1,1,1,,,0.5\n",
            HEADER + ",priority,deadline_s\n0,1,1,-2147483648,1e9\n",
            HEADER + "\n" + ",".repeat(1000),
            "1".repeat(1025))
        .map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  @MethodSource("seeds")
  @FuzzTest
  void anyFile_isReadOrRefused(byte[] content) throws Exception {
    Path file = Files.write(folder.resolve("trace.csv"), content);
    Allocations.assertWithin(
        BYTES_AT_LEAST + (long) BYTES_A_BYTE * content.length, () -> check(file));
  }

  private static void check(Path file) throws IOException {
    Trace trace;
    try {
      trace = TraceReader.read(file);
    } catch (TraceFormatException e) {
      assertThat(e).hasMessageStartingWith(file.toString());
      assertThat(e.getMessage()).hasSizeLessThan(file.toString().length() + 300);
      return;
    }
    for (Trace.Request request : trace.requests()) {
      assertThat(request.arrivalNanos()).isBetween(0L, 1_000_000_000_000_000_000L);
      assertThat(request.promptTokens()).isBetween(1, 1 << 24);
      assertThat(request.outputTokens()).isBetween(1, 1 << 24);
    }
  }
}
