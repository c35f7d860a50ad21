package dev.s3llm.examples.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/** Spark on this machine: no page, no address but the loopback, files under the build folder. */
final class Sessions {
  private Sessions() {}

  /** One JVM. */
  static SparkSession local(int slots) {
    return session("local[" + slots + "]").getOrCreate();
  }

  /**
   * Executors as processes of their own, with one slot each; master and workers are in this JVM.
   *
   * @param javaOptions of the executors
   * @param more of Spark's properties
   */
  static SparkSession cluster(int executors, String javaOptions, Map<String, String> more) {
    Path home = Path.of(System.getenv("SPARK_HOME"));
    directory(home.resolve("jars")); // the launcher looks for it; the class path is given below
    SparkSession.Builder session = session("local-cluster[" + executors + ",1,768]");
    more.forEach(session::config);
    return session
        .config("spark.executor.memory", "768m")
        .config("spark.executor.extraClassPath", System.getProperty("java.class.path"))
        .config("spark.executor.extraJavaOptions", javaOptions + " -Djava.io.tmpdir=" + temporary())
        .getOrCreate();
  }

  private static SparkSession.Builder session(String master) {
    return SparkSession.builder()
        .master(master)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.local.dir", temporary().toString())
        .config("spark.sql.warehouse.dir", temporary().toString())
        .config("spark.sql.shuffle.partitions", "2");
  }

  private static Path temporary() {
    return directory(Path.of("target", "spark").toAbsolutePath());
  }

  private static Path directory(Path path) {
    try {
      return Files.createDirectories(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
