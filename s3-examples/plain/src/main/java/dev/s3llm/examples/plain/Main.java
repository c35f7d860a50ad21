package dev.s3llm.examples.plain;

import dev.s3llm.EngineBuilder;
import dev.s3llm.S3Engine;
import dev.s3llm.cpu.CpuExecutor;
import dev.s3llm.examples.model.SmallModel;
import dev.s3llm.simulate.Trace;
import dev.s3llm.text.TextGenerator;
import dev.s3llm.text.TextModel;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Starts the service: {@code [PORT [MODEL]]}, by default 8080 and the embedded toy model. Listens
 * on the loopback address, or on that of the system property {@code s3llm.address}. The system
 * property {@code s3llm.record-file} names a CSV file to which the requests are recorded as a
 * trace.
 */
public final class Main {
  private static final int DEFAULT_PORT = 8080;

  /** Each live request uses a thread, which is a platform thread before JDK 21. */
  private static final int MAX_LIVE_REQUESTS = 64;

  private Main() {}

  /**
   * Serves until the process gets SIGTERM, then lets live requests finish.
   *
   * @param args port, and a model's Hugging Face folder or .gguf file, both optional
   * @throws IOException if the port is in use, or the trace cannot be written
   */
  public static void main(String[] args) throws IOException {
    int port = args.length > 0 ? Integer.parseInt(args[0]) : DEFAULT_PORT;
    if (args.length < 2) {
      System.err.println(SmallModel.NOTICE + "; the second argument names a real one");
    }
    Path model = args.length > 1 ? Path.of(args[1]) : SmallModel.unpack();
    Trace.Recorder recorder = recorder();
    EngineBuilder builder =
        S3Engine.builder(CpuExecutor.builder(model).build()).maxLiveRequests(MAX_LIVE_REQUESTS);
    if (recorder != null) {
      builder.listener(recorder);
    }
    TextGenerator generator = TextGenerator.of(builder.build(), TextModel.load(model));
    String address = System.getProperty("s3llm.address", "127.0.0.1");
    TextServer server = TextServer.start(generator, new InetSocketAddress(address, port));
    Runtime.getRuntime().addShutdownHook(new Thread(() -> close(server, recorder), "shutdown"));
    System.out.println("listening on " + address + ", port " + server.port());
  }

  private static Trace.@Nullable Recorder recorder() throws IOException {
    String file = System.getProperty("s3llm.record-file");
    return file == null ? null : Trace.recorder(Path.of(file));
  }

  private static void close(TextServer server, Trace.@Nullable Recorder recorder) {
    server.close();
    if (recorder != null) {
      recorder.close(); // after the engine, so that the last requests are recorded
    }
  }
}
