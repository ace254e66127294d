import ArgumentParser
import Capture
import Decryption
import Foundation
import SansIO
import WireReader

/// `kallglot-lab decrypt`: a capture in clear.
struct DecryptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decrypt", abstract: "Write the clear twin of a capture: the same frames, SIP and RTP decrypted.",
    discussion: """
      Reads pcap and pcapng from any tool. Keys are those of the capture (its TLS secrets, SDES in SIP that is visible or was decrypted, \
      DTLS handshakes whose secret is known) and of --keylog, which has lines as SSLKEYLOGFILE makes them, and lines with the key of one \
      sender of SRTP, such as '# SRTP 192.0.2.20:10000 1 AES_CM_128_HMAC_SHA1_80 inline:…':
        kallglot-lab decrypt trunk.pcap trunk.clear.pcapng --keylog keys.txt
        kallglot-lab decrypt out/srtp/call/pbx.pcapng handed-on.pcapng --no-secrets
      Frames keep their numbers; those without plaintext are empty. m= lines say RTP/AVP, keys and fingerprints become a=x-lab-removed.
      With --no-secrets nothing is decrypted: OUT is IN without its TLS secrets, and with keys of SRTP that crossed in clear overwritten \
      with x.

      Exit codes: 0 everything was decrypted; 1 OUT was written, and something stayed closed; 2 bad input; 3 nothing could be decrypted, \
      and OUT was not written.
      """)

  @Argument(help: "A capture: pcap or pcapng.")
  var input: String

  @Argument(help: "The file to write, as pcapng. It must not exist.")
  var output: String

  @Option(help: "File with secrets of TLS and DTLS, as SSLKEYLOGFILE makes it, and keys of SRTP.")
  var keylog: String?

  @Flag(help: "Write IN without its secrets instead.")
  var noSecrets = false

  func run() throws {
    if noSecrets, keylog != nil { throw Complaint("--keylog gives secrets, and --no-secrets takes them out: give one of them") }
    let keyLogs = try secrets()
    try check()
    // Beside it first, so that what was not written wholly is not taken for it.
    let partial = "\(output).partial"
    let file = ByteOutput(path: partial)
    defer { FileSystem.remove(partial) }
    if let failure = file.failure { throw Complaint("the file \(output) cannot be written: \(Self.reason(failure))") }
    do {
      if noSecrets { try strip(file, partial) } else { try decrypt(keyLogs, file, partial) }
    } catch let error as CaptureReadError { throw Captures.complaint(input, error) }
  }

  private func strip(_ file: ByteOutput, _ partial: String) throws {
    let removed = try SecretsRemoval(.file(input)).write(to: file)
    try put(file, partial)
    if let problem = removed.problem { say("\(input) is damaged or cut: \(problem); what comes before it was written") }
    say(
      "\(output): \(CountText.of(removed.blocks, "block")) of secrets left out, keys overwritten in "
        + CountText.of(removed.packets, "packet")
    )
  }

  private func decrypt(_ keyLogs: [Bytes], _ file: ByteOutput, _ partial: String) throws {
    let outcome = try ClearTwin(.file(input), keyLogs: keyLogs).write(to: file)
    guard outcome.isOpened else {
      for line in outcome.closed { say(line) }
      let why = outcome.isSecured ? "no key opens anything in it" : "it has neither TLS nor SRTP, as far as its SIP says"
      Console.complain(
        "kallglot-lab: \(input) was not decrypted: \(why)\(outcome.isSecured && keylog == nil ? "; --keylog gives keys" : "")")
      throw ExitWith(code: 3)
    }
    try put(file, partial)
    for line in outcome.closed { say(line) }
    if let problem = outcome.problem { say("\(input) is damaged or cut: \(problem); what comes before it was written") }
    say(
      "\(output): \(CountText.of(outcome.frames, "frame")), \(CountText.of(outcome.decryptedBytes, "byte")) of TLS and "
        + "\(CountText.of(outcome.openedPackets, "packet")) of SRTP decrypted")
    if !outcome.closed.isEmpty || outcome.closedPackets > 0 { throw ExitWith(code: 1) }
  }

  private func put(_ file: ByteOutput, _ partial: String) throws {
    if let failure = file.failure { throw Complaint("the file \(output) cannot be written: \(Self.reason(failure))") }
    guard rename(partial, output) == 0 else { throw Complaint("the file \(output) cannot be written: \(String(cString: strerror(errno)))") }
  }

  private static func reason(_ failure: CaptureFailure) -> String { String(cString: strerror(failure.code)) }

  private func check() throws {
    try Captures.checkIsFile(input)
    guard !FileSystem.isSame(input, output) else { throw Complaint("IN and OUT are one file, \(input): a capture is never overwritten") }
    guard !FileSystem.exists(output) else { throw Complaint("\(output) exists; remove it, or name another file") }
  }

  private func secrets() throws -> [Bytes] {
    guard let keylog else { return [] }
    return [try KeyLogs.read(keylog)]
  }
}

/// Files of secrets that a user named.
enum KeyLogs {
  /// Each line is one that can be read.
  static func read(_ path: String) throws -> Bytes {
    let text = Bytes([UInt8](try Input.data(of: path)))
    if let mistake = KeyLog.mistake(in: text) { throw Complaint("\(path):\(mistake)") }
    return text
  }
}
