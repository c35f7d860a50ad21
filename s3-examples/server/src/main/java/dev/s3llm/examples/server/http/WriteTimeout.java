package dev.s3llm.examples.server.http;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.timeout.WriteTimeoutHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Closes connections whose client does not receive data in time. Unlike netty's handler it throws
 * no exception, which would be logged for each connection.
 */
public final class WriteTimeout extends WriteTimeoutHandler {

  /** Creates a handler with the most time for one write. */
  public WriteTimeout(Duration limit) {
    super(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  protected void writeTimedOut(ChannelHandlerContext context) {
    var unused = context.close();
  }
}
