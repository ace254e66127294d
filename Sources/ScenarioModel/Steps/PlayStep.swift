import Codecs
import Media
import SansIO

/// `play: { who: pbx, file: prompt.wav }`
struct PlayStep: FieldStep {
  static let keyword = "play"
  static let summary = """
    A member plays a file on its newest leg that is not over, or on its side of a named call; the next step begins at once. A WAV file of \
    16-bit PCM at 8, 16 or 48 kHz; of several channels the first is played.
    """
  static let examples = ["play: { who: pbx, file: prompt.wav }", "play: { who: kallglot, leg: leg, file: prompts/hello.wav, for: 2 s }"]

  private static let who = Key.required("who", .party, "Who plays.").once("on")
  private static let file = Key.required("file", .waveFile, "Its path, relative to the scenario file.")
  private static let duration = Key.optional("for", .duration, "How long at most; to its end when missing, and silence after it.")
  private static let leg = Key.optional("leg", .leg, "On which call.")
  static let mapping = MappingShape([who, file, duration, leg])

  private let member: String
  private let prompt: Prompt
  private let duration: Duration?
  private let leg: String?

  init(_ fields: FieldSet, _ scope: inout StepScope) throws(SourceProblem) {
    (member, prompt) = (try fields[Self.who], try fields[Self.file])
    (duration, leg) = (try fields[Self.duration], try fields[Self.leg])
  }

  var text: String { "\(member) plays \(prompt.name)\(leg.map { " on \($0)" } ?? "")\(duration.map { " for \($0)" } ?? "")" }

  func begin(_ script: inout Script, at now: Instant) -> StepProgress {
    guard let story = leg.map({ script.story($0, at: member) }) ?? script.live(member), story.state != .ended else {
      return .failed(
        Finding(
          rule: "the scenario", expected: "\(member) has a leg to play on", observed: "it has none", evidence: script.lastEvidence[member],
          about: .leg(of: member)))
    }
    script.commands.append(.speak(story.leg, .prompt(prompt), for: duration))
    return .done
  }
}

extension ValueType where Value == Prompt {
  /// A file beside the scenario.
  static var waveFile: ValueType {
    ValueType(.text) { (place, scope) throws(SourceProblem) in
      let name = try place.text()
      let bytes: Bytes
      do throws(SourceProblem) {
        bytes = try scope.notes.loader.bytes(SourcePath.resolve(name, in: place.file))
      } catch {
        throw place.problem("\(error.file): \(error.message)")
      }
      do throws(WaveFile.Fault) {
        return Prompt(name: name, audio: try WaveFile.parse(bytes))
      } catch {
        throw place.problem("\(name), \(error)")
      }
    }
  }
}
