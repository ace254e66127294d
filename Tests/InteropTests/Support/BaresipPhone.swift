import Foundation
import SansIO
import Testing

@testable import Media

/// A baresip with a folder and an address of its own, driven by its `ctrl_tcp`.
struct BaresipPhone: Sendable {
  struct Settings: Sendable {
    /// The line of its accounts file.
    var account: String
    /// A PEM file of the authorities it trusts.
    var authority: String?
    /// What it plays into its microphone.
    var tone = 600
    /// When it is over baresip hangs up, which no test waits for, however busy the machine is.
    var seconds = 600
    /// Hertz of that file, and its channels: those of the codec, since it converts nothing.
    var sampleRate = 8_000
    var channels = 1
  }

  let program: Companion
  let control: ControlSocket
  private let folder: String

  /// Starts one and waits until it takes commands.
  static func start(_ scene: Scene, at address: String, _ settings: Settings) async throws -> BaresipPhone {
    let folder = "\(scene.folder)/baresip-\(address)"
    try FileManager.default.createDirectory(atPath: "\(folder)/heard", withIntermediateDirectories: true)
    try tone(settings).write(to: URL(fileURLWithPath: "\(folder)/tone.wav"))
    let config = """
      sip_listen \(address):5090
      \(settings.authority.map { "sip_cafile \($0)" } ?? "")
      net_interface \(address)
      audio_source aufile,\(folder)/tone.wav
      audio_player aufile,\(folder)/play.wav
      audio_alert aufile,\(folder)/tone.wav
      module_path \(try modulePath())
      module opus.so
      module g722.so
      module g711.so
      module srtp.so
      module dtls_srtp.so
      module aufile.so
      module sndfile.so
      snd_path \(folder)/heard
      module_app account.so
      module_app contact.so
      module_app menu.so
      module_app ctrl_tcp.so
      ctrl_tcp_listen \(address):4444

      """
    for (name, text) in [("config", config), ("accounts", settings.account + "\n"), ("contacts", "")] {
      try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }
    let program = try await scene.start("baresip", try Peer.baresip.required(), ["-f", folder])
    _ = try await program.line("baresip is ready.")
    return BaresipPhone(program: program, control: try ControlSocket(address: address, port: 4444), folder: folder)
  }

  /// Waits for an event, such as `CALL_ESTABLISHED`.
  func event(_ type: String, after earlier: Transcript.Sighting? = nil) async throws -> Transcript.Sighting {
    try await control.transcript.line("\"\(type)\"", after: earlier)
  }

  /// The tones in what it decoded of the RTP it got; after ``Scene/endAll()``.
  func heard() throws -> [Int] {
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/heard").filter { $0.hasSuffix("-dec.wav") }
    let file = try #require(files.first, "baresip recorded nothing")
    let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/heard/\(file)")))
    func number(_ offset: Int, _ bytes: Int) -> Int { (0..<bytes).reduce(0) { $0 | Int(data[offset + $1]) << (8 * $1) } }
    try #require(data.count > 44)
    let (channels, rate) = (max(1, number(22, 2)), number(24, 4))
    var detector = ToneDetector(sampleRate: rate)
    var found: [Int] = []
    for offset in stride(from: 44, to: data.count - 1, by: 2 * channels) {
      let sample = Int16(bitPattern: UInt16(data[offset]) | UInt16(data[offset + 1]) << 8)
      if case .began(let frequency) = detector.receive(sample) { found.append(frequency) }
    }
    return found
  }

  /// A WAV file with a sine tone, 16 bits.
  private static func tone(_ settings: Settings) -> Data {
    let (rate, channels) = (settings.sampleRate, settings.channels)
    var generator = ToneSource(Tone(frequency: settings.tone), sampleRate: rate)
    var second = Data()
    for _ in 0..<rate {
      let sample = generator.next().littleEndian
      for _ in 0..<channels { withUnsafeBytes(of: sample) { second.append(contentsOf: $0) } }
    }
    let samples = repeatElement(second, count: settings.seconds).reduce(into: Data()) { $0.append($1) }
    func word(_ value: Int, _ bytes: Int) -> Data { Data((0..<bytes).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }) }
    var file = Data("RIFF".utf8) + word(36 + samples.count, 4) + Data("WAVEfmt ".utf8) + word(16, 4) + word(1, 2) + word(channels, 2)
    file += word(rate, 4) + word(rate * 2 * channels, 4) + word(2 * channels, 2) + word(16, 2) + Data("data".utf8) + word(samples.count, 4)
    return file + samples
  }

  /// The packaged modules, wherever this Debian has them.
  private static func modulePath() throws -> String {
    let base = "/usr/lib"
    let candidates = ["\(base)/baresip/modules", "\(base)/x86_64-linux-gnu/baresip/modules", "\(base)/aarch64-linux-gnu/baresip/modules"]
    return try #require(candidates.first { FileManager.default.fileExists(atPath: "\($0)/g711.so") })
  }
}
