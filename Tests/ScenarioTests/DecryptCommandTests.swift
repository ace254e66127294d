import Capture
import Foundation
import LabBench
import SRTP
import SansIO
import Subprocess
import Testing

/// `decrypt` as people call it.
@Suite(.timeLimit(.minutes(15))) struct DecryptCommandTests {
  private func lab(_ arguments: [String]) async throws -> (code: Int32, output: String, errors: String) {
    let result = try await Subprocess.run(
      .path(.init(Place.lab)), arguments: .init(["decrypt"] + arguments), workingDirectory: .init(Place.root),
      output: .string(limit: 1 << 22), error: .string(limit: 1 << 20))
    let code: Int32 = if case .exited(let code) = result.terminationStatus { code } else { -1 }
    return (code, result.standardOutput, result.standardError)
  }

  private func write(_ bytes: Bytes, _ path: String) throws -> String {
    try Data(bytes.array).write(to: URL(fileURLWithPath: path))
    return path
  }

  private let key: SRTPKey = {
    var entropy = Entropy(seed: 1)
    return SRTPKey(for: .aesCM128HMACSHA1_80, entropy: &entropy)
  }()
  private var attribute: String { CryptoAttribute(tag: 1, suite: .aesCM128HMACSHA1_80, keys: [key]).serialized().text }

  /// A call over SRTP whose key its SIP shows, or not.
  private func call(showsKey: Bool = true) throws -> Bytes {
    var packets = Packets()
    let line = showsKey ? "a=crypto:\(attribute)\r\n" : ""
    packets.establish(
      offer: Talk.sdp(alice, 10_000, extra: line).replacing("RTP/AVP", with: "RTP/SAVP"),
      answer: Talk.sdp(bob, 20_000).replacing("RTP/AVP", with: "RTP/SAVP"))
    let sender = try SRTPSender(try SRTPKeys(.aesCM128HMACSHA1_80, key))
    for number in 1...10 {
      var bytes = rtpPacket(0, UInt16(number), UInt32(number) * 160, 7).array
      try sender.protect(&bytes, .rtp)
      packets.udp(alice, 10_000, to: bob, 20_000, Bytes(bytes))
      packets.wait(20)
    }
    return packets.file
  }

  @Test func `exit codes: 0 all was decrypted, 1 something stayed closed, 2 bad input, 3 nothing was decrypted`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let capture = try write(try call(), "\(folder)/call.pcapng")
    let done = try await lab([capture, "\(folder)/1.pcapng"])
    #expect(done.code == 0 && done.output.contains("10 packets of SRTP decrypted"), "\(done)")
    let closed = try write(try call(showsKey: false), "\(folder)/closed.pcapng")
    let nothing = try await lab([closed, "\(folder)/2.pcapng"])
    #expect(nothing.code == 3 && !FileManager.default.fileExists(atPath: "\(folder)/2.pcapng"))
    #expect(nothing.output.contains("not opened, its description has no key"))
    #expect(nothing.errors.contains("was not decrypted: no key opens anything in it; --keylog gives keys"))
    let keys = try write(Bytes("# SRTP \(alice):10000 \(attribute)\n"), "\(folder)/keys.txt")
    #expect(try await lab([closed, "\(folder)/3.pcapng", "--keylog", keys]).code == 0)
    var clear = Packets()
    clear.establish()
    let plain = try await lab([try write(clear.file, "\(folder)/clear.pcapng"), "\(folder)/4.pcapng"])
    #expect(plain.code == 3 && plain.errors.contains("it has neither TLS nor SRTP"))
    var damaged = try call().array
    damaged[damaged.count - 200] ^= 1
    let partly = try await lab([try write(Bytes(damaged), "\(folder)/damaged.pcapng"), "\(folder)/5.pcapng"])
    #expect(partly.code == 1 && partly.output.contains("1 packet not opened, not verified by its key"), "\(partly)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasSuffix(".partial") })
  }

  @Test func `bad input is one sentence: no capture, IN and OUT one file, OUT there, a broken line of the key log`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let capture = try write(try call(), "\(folder)/call.pcapng")
    let secret = String(repeating: "5a", count: 24)
    let keys = try write(Bytes("# keys\nCLIENT_RANDOM \(secret) \(secret)\n"), "\(folder)/keys.txt")
    let text = try write("no capture at all", "\(folder)/text.txt")
    for (arguments, sentence) in [
      ([text, "\(folder)/out.pcapng"], "text.txt is neither pcapng nor pcap"),
      (["\(folder)/none.pcap", "\(folder)/out.pcapng"], "cannot open \(folder)/none.pcap: No such file or directory"),
      ([folder, "\(folder)/out.pcapng"], "is a folder, expected a pcap or pcapng file"),
      ([capture, capture], "IN and OUT are one file"), ([capture, text], "\(text) exists; remove it, or name another file"),
      ([capture, "\(folder)/nowhere/out.pcapng"], "nowhere/out.pcapng cannot be written: No such file or directory"),
      ([capture, "\(folder)/out.pcapng", "--keylog", keys], "\(keys):2: the client random is not 64 hexadecimal digits"),
      ([capture, "\(folder)/out.pcapng", "--keylog", "\(folder)/none.txt"], "none.txt cannot be read"),
      ([capture, "\(folder)/out.pcapng", "--keylog", keys, "--no-secrets"], "give one of them"),
    ] {
      let outcome = try await lab(arguments)
      #expect(outcome.code == 2 && outcome.errors.contains(sentence), "\(arguments): \(outcome)")
      #expect(outcome.errors.split(separator: "\n").count == 1 && !outcome.errors.contains(secret))
    }
    #expect(!FileManager.default.fileExists(atPath: "\(folder)/out.pcapng"))
  }

  /// TLS secrets in hexadecimal, and keys in SIP that is in clear, of all captures below a folder.
  private func secrets(_ folder: String) throws -> Set<String> {
    var found: Set<String> = []
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name.hasSuffix(".pcapng") {
      var reader = try CaptureReader(path: "\(folder)/\(name)")
      while let item = try reader.next() {
        switch item {
        case .secrets(let secrets):
          for line in secrets.data.text.split(separator: "\n") {
            if let word = line.split(separator: " ").last { found.insert(String(word)) }
          }
        case .packet(let packet):
          for range in CryptoAttribute.keyRanges(in: packet.bytes) where range.count >= 40 { found.insert(packet.bytes[range].text) }
        case .interface, .statistics, .other: continue
        }
      }
    }
    return found
  }

  @Test func `run without secrets leaves none in captures, journals and reports`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for flags in [["--out", "\(folder)/open"], ["--out", "\(folder)/closed", "--no-secrets"]] {
      let out = flags[1]
      let result = try await Subprocess.run(
        .path(.init(Place.lab)),
        arguments: .init(["run", "scenarios/srtp/call.yaml", "--junit", "\(out)/r.xml", "--json", "\(out)/r.json"] + flags),
        workingDirectory: .init(Place.root), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
      #expect(result.terminationStatus.isSuccess, "\(result.standardOutput)")
    }
    let secrets = try secrets("\(folder)/open")
    #expect(secrets.count > 10)
    for name in try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/closed") where name.contains(".") {
      let content = try? Data(contentsOf: URL(fileURLWithPath: "\(folder)/closed/\(name)"))
      #expect(secrets.allSatisfy { content?.range(of: Data($0.utf8)) == nil }, "\(name)")
    }
  }

  @Test func `without secrets OUT has the frames of IN, and neither keys nor blocks of secrets`() async throws {
    let folder = try Place.temporary()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let capture = try write(try call(), "\(folder)/call.pcapng")
    let outcome = try await lab([capture, "\(folder)/out.pcapng", "--no-secrets"])
    #expect(outcome.code == 0 && outcome.output.contains("keys overwritten in 1 packet"), "\(outcome)")
    let content = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/out.pcapng"))
    #expect(content.range(of: Data(key.revealBase64().utf8)) == nil && content.range(of: Data("inline:xxxxxxxx".utf8)) != nil)
  }
}
