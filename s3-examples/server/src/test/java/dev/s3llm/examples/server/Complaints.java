package dev.s3llm.examples.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** What the log says at WARN and above while this is open. */
final class Complaints extends AppenderBase<ILoggingEvent> implements AutoCloseable {
  private final Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
  private final List<String> all = new CopyOnWriteArrayList<>();

  Complaints() {
    start();
    root.addAppender(this);
  }

  List<String> all() {
    return List.copyOf(all);
  }

  @Override
  protected void append(ILoggingEvent event) {
    if (event.getLevel().isGreaterOrEqual(Level.WARN)) {
      all.add(event.toString());
    }
  }

  @Override
  public void close() {
    root.detachAppender(this);
    stop();
  }
}
