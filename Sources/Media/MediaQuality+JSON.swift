import RTP
import SansIO

extension MediaQuality {
  /// Its figures as members of an object. What is not known is not there.
  public func writeFields(to json: inout JSONWriter) {
    json.member("expected", figures.loss.expected)
    json.member("lost", figures.loss.lost)
    json.member("discarded", figures.loss.discarded)
    json.member("reordered", figures.reordered)
    json.member("duplicates", figures.duplicates)
    json.member("bursts", figures.loss.metrics.bursts)
    write(score, "score", to: &json)
    if let worst = figures.worst, let worstScore {
      json.name("worst")
      json.object(.compact) {
        $0.member("expected", worst.loss.expected)
        $0.member("lost", worst.loss.lost)
        $0.member("discarded", worst.loss.discarded)
        write(worstScore, "score", to: &$0)
      }
    }
    if let longestRoundTrip { json.member("roundTripNanoseconds", longestRoundTrip.wholeNanoseconds) }
    if malformedControl > 0 { json.member("malformedRTCP", malformedControl) }
    guard let buffer else { return }
    json.name("jitterBuffer")
    json.object(.compact) { buffer.writeFields(to: &$0) }
  }

  private func write(_ figure: QualityFigure, _ name: StaticString, to json: inout JSONWriter) {
    json.name(name)
    json.object(.compact) {
      switch figure {
      case .notMeasured(let reason): $0.member("notMeasured", reason)
      case .measured(let score):
        $0.name("mos")
        $0.value(score.meanOpinionScore)
        $0.name("rating")
        $0.value(score.rating)
        $0.member("scale", score.scale.rawValue)
        $0.member("inputs", score.inputs)
      }
    }
  }
}

extension JitterBufferCounts {
  fileprivate func writeFields(to json: inout JSONWriter) {
    json.member("delayNanoseconds", delay.wholeNanoseconds)
    json.member("maximumDelayNanoseconds", maximumDelay.wholeNanoseconds)
    json.member("played", played)
    json.member("late", late)
    json.member("discarded", discarded)
    json.member("reordered", reordered)
    json.member("lost", lost)
    json.member("duplicates", duplicates)
    json.member("underruns", underruns)
    json.member("concealed", concealed)
    json.member("resets", resets)
  }
}
