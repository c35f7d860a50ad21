package dev.s3llm.examples.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.spark.sql.SparkSession;

/**
 * Sessions on this machine, without a web page, on the loopback only, with files in the build
 * folder.
 */
final class Sessions {
  private Sessions() {}

  /** Starts a session in this JVM. */
  static SparkSession local(int slots) {
    return session("local[" + slots + "]").getOrCreate();
  }

  /**
   * Starts a session whose executors are processes of their own, with one slot each. Master and
   * workers are in this JVM.
   *
   * @param executors number of executors
   * @param javaOptions JVM options of the executors
   * @param more further properties of Spark
   */
  static SparkSession cluster(int executors, String javaOptions, Map<String, String> more) {
    Path home = Path.of(System.getenv("SPARK_HOME"));
    directory(home.resolve("jars")); // the launcher requires it; the class path is set below
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
