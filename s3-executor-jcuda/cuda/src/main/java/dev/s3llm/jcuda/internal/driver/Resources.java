package dev.s3llm.jcuda.internal.driver;

import java.util.ArrayDeque;
import java.util.Deque;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Things that are released together, last in, first out, each once. One that refuses does not keep
 * the others: after an error that a device cannot recover from every release fails, and memory goes
 * with the process.
 */
public final class Resources implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Resources.class);

  private final Deque<AutoCloseable> kept = new ArrayDeque<>();

  /** Creates an empty collection. */
  public Resources() {}

  /** Takes a resource, and returns it. */
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
        LOG.debug("could not be released", e);
      }
    }
  }
}
