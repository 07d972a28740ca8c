Console.WriteLine("Perdure.Bench: nothing to run yet.");
