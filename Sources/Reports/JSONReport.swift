import Inspection
import SansIO
import ScenarioModel

/// Results as JSON: `fixtures/results.schema.json` describes them. ``version`` grows when a field changes its meaning or goes; new fields
/// leave it as it is, so readers ignore what they do not know.
public enum JSONReport {
  public static let version = 1

  public static func document(_ run: RunRecord) -> String {
    var json = JSONWriter()
    json.object(.lines) { json in
      json.member("version", version)
      json.member("selected", run.selected)
      json.member("interrupted", run.ending == .interrupted)
      json.member("ending", run.ending.rawValue)
      write(run.origin, to: &json)
      json.name("shard")
      if let part = run.part { write(part, to: &json) } else { json.null() }
      write(run.series, to: &json)
      json.member("elapsedNanoseconds", run.elapsed.wholeNanoseconds)
      json.name("verdicts")
      json.object(.spaced) { json in
        for verdict in Verdict.allCases {
          json.name(quoting: verdict.rawValue)
          json.value(run.results.count { $0.verdict == verdict })
        }
      }
      json.name("scenarios")
      json.array(.lines) { json in for result in run.results { write(result, to: &json) } }
    }
    json.endLine()
    return json.text
  }

  private static func write(_ origin: RunRecord.Origin, to json: inout JSONWriter) {
    json.name("program")
    json.object(.spaced) { json in
      json.member("version", origin.version)
      json.member("commit", orNull: origin.commit)
    }
    json.member("scenarioSet", origin.scenarioSet)
  }

  private static func write(_ series: RunSeries, to json: inout JSONWriter) {
    let (seeds, repeats) =
      switch series {
      case .seeds(let range): (range, 1)
      case .repeats(let count, let seed): (seed...seed, count)
      }
    json.name("seeds")
    json.object(.spaced) { json in
      json.member("first", String(seeds.lowerBound))
      json.member("last", String(seeds.upperBound))
    }
    json.member("repeats", repeats)
  }

  private static func write(_ part: RunRecord.Part, to json: inout JSONWriter) {
    json.object(.spaced) { json in
      json.member("index", part.shard.index)
      json.member("count", part.shard.count)
      json.member("scenarios", part.total)
      json.name("positions")
      json.array(.spaced) { json in for position in part.positions { json.value(position) } }
    }
  }

  private static func write(_ sweep: SeedSweep, to json: inout JSONWriter) {
    json.object(.spaced) { json in
      write(sweep.series, to: &json)
      json.member("planned", sweep.planned)
      json.member("ran", sweep.ran)
      json.member("passed", sweep.passed)
      json.member("failing", sweep.failing.map { String($0) })
    }
  }

  private static func write(_ result: ScenarioResult, to json: inout JSONWriter) {
    json.object(.spaced) { json in
      json.member("name", result.name)
      json.member("file", result.file)
      json.member("summary", result.summary)
      json.member("proves", result.proves)
      json.member("seed", String(result.seed))
      json.name("sweep")
      if let sweep = result.sweep { write(sweep, to: &json) } else { json.null() }
      json.member("verdict", result.verdict.rawValue)
      json.member("reason", orNull: result.reason)
      json.member("durationNanoseconds", result.duration.wholeNanoseconds)
      json.member("elapsedNanoseconds", result.elapsed.wholeNanoseconds)
      json.member("packets", result.packets)
      json.member("hosts", result.hosts)
      json.member("captures", orNull: result.folder)
      json.member("inspect", result.inspected)
      json.name("proof")
      if let proof = result.proof { write(proof, to: &json) } else { json.null() }
      json.name("live")
      if let places = result.live { write(places, to: &json) } else { json.null() }
      json.member("replay", result.replayCommand)
      json.name("findings")
      json.array(.spaced) { json in for finding in result.findings { write(finding, of: result, to: &json) } }
    }
  }

  private static func write(_ proof: PolicyProof, to json: inout JSONWriter) {
    json.object(.spaced) { json in
      json.member("seenFrom", proof.isOneSided ? "one side" : "both sides")
      json.name("observers")
      json.array(.spaced) { json in
        for item in proof.items {
          json.object(.spaced) { json in
            json.member("rule", item.rule)
            json.member("setting", orNull: item.setting.isEmpty ? nil : item.setting)
            json.member("standing", item.standing.rawValue)
            json.member("text", item.text)
            json.member("count", item.count)
            json.member("reason", orNull: item.reason.isEmpty ? nil : item.reason)
          }
        }
      }
    }
  }

  private static func write(_ places: [LivePlace], to json: inout JSONWriter) {
    json.array(.spaced) { json in
      for place in places {
        json.object(.spaced) { json in
          json.member("member", place.member)
          json.member("address", place.given.description)
          json.member("here", place.here.description)
          json.member("product", orNull: place.product)
          json.member("peerFile", orNull: place.file)
        }
      }
    }
  }

  private static func write(_ finding: Finding, of result: ScenarioResult, to json: inout JSONWriter) {
    json.object(.spaced) { json in
      json.member("file", finding.place?.file ?? result.file)
      json.member("line", finding.place?.line ?? 1)
      json.member("rule", finding.rule)
      json.member("expected", finding.expected)
      json.member("observed", finding.observed)
      json.member("because", finding.because.map(\.description))
      json.member("count", finding.count)
      json.member("frame", orNull: finding.evidence.map { result.citation($0) })
      json.name("frameAtNanoseconds")
      if let exhibit = finding.exhibit { json.value(exhibit.at.nanoseconds) } else { json.null() }
      json.member("message", orNull: finding.exhibit?.text)
      json.member("direction", orNull: finding.exhibit?.direction.rawValue)
      json.member("capture", orNull: result.capture(of: finding.evidence))
      json.member("step", finding.step)
      json.member("atNanoseconds", finding.at.nanoseconds)
    }
  }
}
