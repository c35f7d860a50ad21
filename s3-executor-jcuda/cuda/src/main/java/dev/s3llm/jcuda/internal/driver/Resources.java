package dev.s3llm.jcuda.internal.driver;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Resources that are released together, last in, first out, each once. If one cannot be released,
 * the others are released all the same: after an error that a device cannot recover from, every
 * release fails, and the memory is freed when the process ends.
 */
public final class Resources implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Resources.class);

  private final Deque<AutoCloseable> kept = new ArrayDeque<>();

  /** Creates an empty collection. */
  public Resources() {}

  /** Adds a resource and returns it. */
  public <T extends AutoCloseable> T keep(T resource) {
    kept.push(resource);
    return resource;
  }

  /** Releases all. Idempotent. */
  @Override
  public void close() {
    while (!kept.isEmpty()) {
      try {
        kept.pop().close();
      } catch (Exception e) {
        LOG.debug("a resource could not be released", e);
      }
    }
  }
}
