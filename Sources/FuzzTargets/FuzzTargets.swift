/// What reads bytes from outside, with the properties that hold whatever they are: `lab-fuzz` feeds it with libFuzzer's inputs, a test with
/// those that are committed. A property that does not hold ends the process.
public enum FuzzTargets {
  public static let all: [String: @Sendable ([UInt8]) -> Void] = [
    "message": MessageTarget.run, "composition": CompositionTarget.run, "sdp": DescriptionTarget.run, "wav": WaveTarget.run,
    "framing": FramingTarget.run, "capture": CaptureTarget.run, "crypto": CryptoTarget.run, "srtp": SRTPTarget.run,
    "tls-records": TLSRecordsTarget.run, "dtls-datagrams": DTLSTarget.run, "rtp": RTPTarget.run, "rtcp": RTCPTarget.run,
    "telephone-event": TelephoneEventTarget.run, "impairment": ImpairmentTarget.run, "reader": ReaderTarget.run,
  ]
}

/// A property of the code under test; what does not hold is a finding.
func hold(_ condition: Bool, _ property: @autoclosure () -> String) {
  // libFuzzer keeps the input of a process that ends: that is how it learns of a finding.
  if !condition { fatalError("PROPERTY BROKEN: \(property())") }
}
