Console.WriteLine("Orders: nothing to run yet.");
