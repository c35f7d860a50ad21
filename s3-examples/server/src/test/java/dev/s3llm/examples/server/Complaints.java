package dev.s3llm.examples.server;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.slf4j.LoggerFactory;

/**
 * Records what the web server and this module log at WARN and above while it is open. The engine is
 * left out, since it may report a slow step.
 */
final class Complaints extends AppenderBase<ILoggingEvent> implements AutoCloseable {
  private static final List<Logger> LOGGERS =
      Stream.of("dev.s3llm.examples", "io.netty", "org.springframework", "reactor")
          .map(name -> (Logger) LoggerFactory.getLogger(name))
          .toList();

  private final List<String> all = new CopyOnWriteArrayList<>();

  Complaints() {
    start();
    LOGGERS.forEach(logger -> logger.addAppender(this));
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
    LOGGERS.forEach(logger -> logger.detachAppender(this));
    stop();
  }
}
