package dev.s3llm.examples.server.autoconfigure;

import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.timeout.WriteTimeoutHandler;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/**
 * Closes a connection whose client does not take what is sent to it, as if the client had gone:
 * netty's own throws besides, which is logged for each connection.
 */
final class WriteTimeout extends WriteTimeoutHandler {

  WriteTimeout(Duration limit) {
    super(limit.toMillis(), TimeUnit.MILLISECONDS);
  }

  @Override
  protected void writeTimedOut(ChannelHandlerContext context) {
    var unused = context.close();
  }
}
