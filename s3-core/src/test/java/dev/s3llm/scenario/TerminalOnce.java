package dev.s3llm.scenario;

import dev.s3llm.observe.EngineEvent;
import dev.s3llm.observe.FinishReason;
import java.util.HashMap;
import java.util.Map;

/** Each request ends exactly once, and its event, stream and result agree (6). */
final class TerminalOnce extends Checker {
  private final Map<String, FinishReason> reported = new HashMap<>();

  @Override
  void event(EngineEvent event) {
    if (event instanceof EngineEvent.Ended ended
        && reported.put(ended.requestId(), ended.reason()) != null) {
      fail("%s ended twice", ended.requestId());
    }
  }

  @Override
  void streamEnded(Client client, Throwable error) {
    if (client.streamEnds > 1) {
      fail("the stream of %s ended twice", client.id());
    }
  }

  @Override
  void result(Client client) {
    if (client.results > 1) {
      fail("%s has two results", client.id());
    }
  }

  @Override
  void over(Scenario scenario) {
    if (scenario.setting().deliversAllEvents() && scenario.eventsMissedByFaultyListener() != 0) {
      fail("a listener that throws misses %d events", scenario.eventsMissedByFaultyListener());
    }
    for (Client client : scenario.clients()) {
      if (client.result == null || client.results != 1) {
        fail("%s has %d results", client.id(), client.results);
      }
      FinishReason reason = client.result.finishReason();
      FinishReason event = reported.get(client.id());
      if (scenario.setting().deliversAllEvents() && event != reason) {
        fail("%s ended with %s, but its event says %s", client.id(), reason, event);
      }
      boolean failed = client.streamError != null;
      if (client.streamEnds == 1 && !client.misused && failed != (reason == FinishReason.FAILED)) {
        fail("%s ended with %s, its stream with %s", client.id(), reason, client.streamError);
      }
      if (client.streams() && client.streamEnds != 1) {
        fail("the stream of %s ended %d times", client.id(), client.streamEnds);
      }
    }
  }
}
