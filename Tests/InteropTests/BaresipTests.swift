import Foundation
import SansIO
import Testing

@testable import Media

/// All tests with real peers, one after the other.
@Suite(.serialized, .timeLimit(.minutes(5))) struct Interop {}

extension Interop {
  /// baresip 1.0.0 registers and calls with digest. Its libre gives up on any SHA-256 challenge, hence the policy with MD5 alone.
  @Suite(.enabled(if: Peer.baresip.runs, Peer.baresip.reason)) struct BaresipTests {
    @Test(arguments: [("udp", 5060, "127.32.1"), ("tls", 5061, "127.32.2")])
    func `baresip registers and calls, and each side hears the other's tone`(transport: String, port: Int, network: String) async throws {
      let baresip = try Peer.baresip.required()
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let (run, log, code) = try await Served.run(try configuration(folder, transport, port, network)) {
        try writeBaresip(folder, transport, port, network)
        return try await program(baresip, ["-f", folder, "-e", "/dial sip:4930@sip.kallglot.com", "-t", "5"], folder: folder)
      }
      #expect(code == 0)
      #expect(log.contains("policy step registration passed: 1 contacts"), "\(log)\n\(run.output.suffix(2_000))")
      #expect(log.contains("over \(transport.uppercased())") && log.contains("hears a tone of 600 Hz"), "\(log)\n\(run.output.suffix(2_000))")
      let tones = try heard(in: folder)
      #expect(tones.contains { abs($0 - 1_000) <= 5 }, "baresip received \(tones)")
      try await checkCapture(folder, transport)
    }

    /// A SHA-256 challenge first, as contract 8.2 has it, and what this peer makes of it.
    @Test func `with SHA-256 offered first baresip 1.0.0 gives up, and the log says what was offered`() async throws {
      let baresip = try Peer.baresip.required()
      let folder = try Place.temporary()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let arguments = try configuration(folder, "udp", 5060, "127.32.3")
      let path = "\(folder)/serve.yaml"
      let text = try String(contentsOfFile: path, encoding: .utf8).replacingOccurrences(of: "[MD5]", with: "[SHA-256, MD5]")
      try text.write(toFile: path, atomically: true, encoding: .utf8)
      let (_, log, _) = try await Served.run(arguments) {
        try writeBaresip(folder, "udp", 5060, "127.32.3")
        return try await program(baresip, ["-f", folder, "-e", "/dial sip:4930@sip.kallglot.com", "-t", "2"], folder: folder)
      }
      #expect(log.contains("offered SHA-256, MD5"))
      #expect(!log.contains(": up, "), "this baresip can answer SHA-256 challenges: the MD5 policy is not needed any more")
    }

    private func configuration(_ folder: String, _ transport: String, _ port: Int, _ network: String) throws -> [String] {
      let text = """
        listen: [\(transport) \(network).1:\(port)]
        account: { username: acme, password: s3cret-pass }
        digestAlgorithms: [MD5]
        tone: 1000 Hz
        """
      try text.write(toFile: "\(folder)/serve.yaml", atomically: true, encoding: .utf8)
      return ["--config", "\(folder)/serve.yaml", "--out", "\(folder)/calls"]
    }

    /// The packaged modules, wherever this Debian has them.
    private func modulePath() throws -> String {
      let base = "/usr/lib"
      let candidates = ["\(base)/baresip/modules", "\(base)/x86_64-linux-gnu/baresip/modules", "\(base)/aarch64-linux-gnu/baresip/modules"]
      return try #require(candidates.first { FileManager.default.fileExists(atPath: "\($0)/g711.so") })
    }
  }
}

extension Interop.BaresipTests {
  private func writeBaresip(_ folder: String, _ transport: String, _ port: Int, _ network: String) throws {
    try tone(600, seconds: 6).write(to: URL(fileURLWithPath: "\(folder)/tone.wav"))
    try FileManager.default.createDirectory(atPath: "\(folder)/heard", withIntermediateDirectories: true)
    let config = """
      sip_listen \(network).2:5090
      \(transport == "tls" ? "sip_cafile \(folder)/calls/authority.pem" : "")
      net_interface \(network).2
      audio_source aufile,\(folder)/tone.wav
      audio_player aufile,\(folder)/play.wav
      audio_alert aufile,\(folder)/tone.wav
      module_path \(try modulePath())
      module g711.so
      module aufile.so
      module sndfile.so
      snd_path \(folder)/heard
      module_app account.so
      module_app contact.so
      module_app menu.so

      """
    try config.write(toFile: "\(folder)/config", atomically: true, encoding: .utf8)
    let account = "<sip:acme@sip.kallglot.com;transport=\(transport)>;outbound=\"sip:\(network).1:\(port);transport=\(transport)\""
      + ";auth_user=acme;auth_pass=s3cret-pass;regint=60;audio_codecs=PCMU/8000/1\n"
    try account.write(toFile: "\(folder)/accounts", atomically: true, encoding: .utf8)
    try "".write(toFile: "\(folder)/contacts", atomically: true, encoding: .utf8)
  }

  /// A WAV file with a sine tone, 8 kHz, 16 bits.
  private func tone(_ frequency: Int, seconds: Int) -> Data {
    var generator = ToneGenerator(Tone(frequency: frequency), sampleRate: 8_000)
    var samples = Data()
    for _ in 0..<seconds * 8_000 { withUnsafeBytes(of: generator.next().littleEndian) { samples.append(contentsOf: $0) } }
    func word(_ value: Int, _ bytes: Int) -> Data { Data((0..<bytes).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }) }
    var file = Data("RIFF".utf8) + word(36 + samples.count, 4) + Data("WAVEfmt ".utf8) + word(16, 4) + word(1, 2) + word(1, 2)
    file += word(8_000, 4) + word(16_000, 4) + word(2, 2) + word(16, 2) + Data("data".utf8) + word(samples.count, 4)
    return file + samples
  }

  /// The tones in what baresip decoded of our RTP.
  private func heard(in folder: String) throws -> [Int] {
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/heard").filter { $0.hasSuffix("-dec.wav") }
    let file = try #require(files.first, "baresip recorded nothing")
    let data = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/heard/\(file)")))
    var detector = ToneDetector(sampleRate: 8_000)
    var found: [Int] = []
    for offset in stride(from: 44, to: data.count - 1, by: 2) {
      let sample = Int16(bitPattern: UInt16(data[offset]) | UInt16(data[offset + 1]) << 8)
      if case .began(let frequency) = detector.receive(sample) { found.append(frequency) }
    }
    return found
  }

  /// tshark opens the call's capture and shows the SIP, inside TLS too, from the file alone.
  private func checkCapture(_ folder: String, _ transport: String) async throws {
    guard Peer.tshark.runs else { return }
    let tshark = try Peer.tshark.required()
    let files = try FileManager.default.contentsOfDirectory(atPath: "\(folder)/calls").filter { $0.hasSuffix(".pcapng") }
    let file = try #require(files.first)
    let shown = try await program(tshark, ["-r", "\(folder)/calls/\(file)", "-Y", "sip", "-T", "fields", "-e", "sip.Method", "-e", "sip.Status-Code"])
    #expect(shown.output.contains("INVITE") && shown.output.contains("BYE") && shown.output.contains("200"), "\(shown.output)")
    let broken = try await program(tshark, ["-r", "\(folder)/calls/\(file)", "-Y", "_ws.malformed"])
    #expect(!broken.output.contains("→"), "\(broken.output)")
  }
}
